import type { PatientCode } from '../../model/patient/patient.ts'
import type { StoredRow } from '../../model/progress/stored-row.ts'
import { comparePositions } from '../../model/source/position.ts'
import type { EntryView } from './entry.ts'

/** Returns rule 4's known(K): the streamed change with the largest position, from memory or from the store. */
export function newestKnown({ known, stored }: EntryView): Pick<StoredRow, 'position' | 'xid'> | null {
  if (known && stored?.position) return comparePositions(known.position, stored.position) >= 0 ? known : stored
  return known ?? stored ?? null
}

/**
 * Returns the codes other than a given one that mediQuo may have of the row, from memory and from the store. An owed row's next
 * code is one of them: another row may have left it to this one, which may have a third code by the time it is read.
 */
export function codesBeside(entry: EntryView, code: PatientCode | null): readonly PatientCode[] {
  const { stored, formerCodes } = entry
  // Fast path: every change passes here, and most rows never had another code.
  if (formerCodes.length === 0 && (!stored || hasOnly(stored, code))) return none
  const live = stored && !stored.removed ? stored.code : null
  const watched = codesReadBack(entry)
  const recorded = stored?.formerCodes.filter((former) => !watched.includes(former)) ?? []
  const codes = [live, ...formerCodes, ...recorded, stored?.owed?.nextCode ?? null]
  return codes.filter(
    (other, at): other is PatientCode => other !== null && other !== code && codes.indexOf(other) === at,
  )
}

/**
 * Returns the codes of the row that were unsubscribed and are being read back: an older request may still be applied. The record keeps
 * them as former codes, for a later process.
 */
export function codesReadBack({ unconfirmed }: Pick<EntryView, 'unconfirmed'>): readonly PatientCode[] {
  // Fast path: most rows are not read back.
  if (unconfirmed.length === 0) return none
  return unconfirmed.flatMap(({ purpose, code }) => (purpose === 'upsert' ? [] : [code]))
}

/** Returns those of `codesBeside` that are to be unsubscribed for the row's newest version: none that the API refused since it arrived. */
export function codesToEnd(entry: EntryView, code: PatientCode | null): readonly PatientCode[] {
  const codes = codesBeside(entry, code)
  const { refusedCodes } = entry
  return refusedCodes.length === 0 ? codes : codes.filter((other) => !refusedCodes.includes(other))
}

const none: readonly PatientCode[] = []

function hasOnly(stored: StoredRow, code: PatientCode | null): boolean {
  return stored.code === code && stored.formerCodes.length === 0 && stored.owed === null
}
