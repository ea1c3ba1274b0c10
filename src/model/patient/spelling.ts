import { ExactNumber } from '../json/exact-number.ts'
import { type PatientCode, patientCode } from './patient.ts'

/** Forms in which an API may store a code other than it was sent. */
export const respellings = ['spaces', 'Unicode form', 'letter case'] as const
export type Respelling = (typeof respellings)[number]

/**
 * Returns a code in the form that is equal for all spellings which an API may take for one code: trimmed as Laravel trims texts, case-folded,
 * and in Unicode NFC.
 */
export function spellingOf(code: string): string {
  return caseFolded(trimmed(code).normalize('NFC')).normalize('NFC')
}

/** Returns the code that an answer has, as a text. An API may return a code of digits as a number. Null if it is no code. */
export function codeInAnswer(value: unknown): PatientCode | null {
  if (typeof value === 'string') return patientCode(value)
  return typeof value === 'number' || value instanceof ExactNumber ? patientCode(String(value)) : null
}

/** Returns how the spellings of one code differ; empty if they are the same, null if they are two codes. */
export function respellingsBetween(one: PatientCode, other: PatientCode): readonly Respelling[] | null {
  if (one === other) return []
  if (spellingOf(one) !== spellingOf(other)) return null
  const [a, b] = [trimmed(one), trimmed(other)]
  const isOtherCase = a.normalize('NFC') !== b.normalize('NFC')
  const differs: Readonly<Record<Respelling, boolean>> = {
    spaces: spacesAround(one) !== spacesAround(other),
    'Unicode form': isOtherCase ? caseFolded(a) !== caseFolded(b) : a !== b,
    'letter case': isOtherCase,
  }
  return respellings.filter((respelling) => differs[respelling])
}

/** Spaces that Laravel takes off, the zero-width ones included. */
const outerSpaces = /^[\s\u200b\u200e]+|[\s\u200b\u200e]+$/gu

function trimmed(text: string): string {
  return text.replace(outerSpaces, '')
}

function spacesAround(text: string): string {
  const inner = trimmed(text)
  return text.replace(inner, '\n')
}

/** Returns the full case folding of Unicode. `ı` is a letter of its own: only in Turkish it is a small `I`. */
function caseFolded(text: string): string {
  const folded = (part: string) => part.toUpperCase().toLowerCase()
  return text.split('ı').map(folded).join('ı')
}
