import { attributes } from '../model/patient/patient.ts'

/** A patient that a refusal names: its index in the array as sent, and the attribute if the answer says which. */
export interface Named {
  readonly index: number
  readonly attribute: string | null
}

const known: ReadonlySet<string> = new Set(attributes)
/** Matches `patients.3.gender`, `patients[3].gender`, `patients.3`. */
const path = /\bpatients(?:\.(\d{1,6})|\[(\d{1,6})\])(?:\.([a-z_]+))?/g

/**
 * Returns the patients that a 400 or 422 names: by the paths in `errors`, else in `message`. Nothing else of the answer is kept: it
 * may repeat a row's values.
 */
export function namedIn(body: string): Named[] {
  const answer = parsed(body)
  const errors = answer?.errors
  const paths = typeof errors === 'object' && errors !== null ? Object.keys(errors) : []
  const named = find(paths.join(' '))
  return named.length > 0 ? named : find(typeof answer?.message === 'string' ? answer.message : '')
}

function find(text: string): Named[] {
  const found = new Map<number, Named>()
  for (const [, dotted, bracketed, attribute = ''] of text.matchAll(path)) {
    const index = Number(dotted ?? bracketed)
    if (!found.has(index)) found.set(index, { index, attribute: known.has(attribute) ? attribute : null })
  }
  return [...found.values()]
}

function parsed(body: string): { readonly errors?: unknown; readonly message?: unknown } | null {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}
