import type { PatientCode } from '../../model/patient/patient.ts'
import { isRejected, type StoredRow } from '../../model/progress/stored-row.ts'

type RecordCodes = Pick<StoredRow, 'code' | 'removed' | 'owed' | 'formerCodes'>
type Accepted = Pick<StoredRow, 'unacceptedCodes'>
type Rejectable = Pick<StoredRow, 'deadLetter'>

/** Returns the codes that mediQuo may have of a row by its record: its code, its next code and its former codes. */
export function codesNamedBy({ code, removed, owed, formerCodes }: RecordCodes): readonly PatientCode[] {
  // Fast path: most rows never had another code.
  if (owed === null && formerCodes.length === 0) return removed || code === null ? none : [code]
  return distinct([removed ? null : code, owed?.nextCode ?? null, ...formerCodes])
}

/** Rule 20: returns the codes of a record of which mediQuo has accepted something. */
export function acceptedCodesOf(record: (RecordCodes & Accepted) | null): readonly PatientCode[] {
  if (!record) return none
  const named = codesNamedBy(record)
  return record.unacceptedCodes.length === 0 ? named : named.filter((code) => !record.unacceptedCodes.includes(code))
}

/** Rule 20: returns the codes of a new record of which mediQuo has accepted nothing. */
export function unacceptedCodesOf(record: RecordCodes, accepted: readonly PatientCode[]): readonly PatientCode[] {
  const named = codesNamedBy(record)
  return named.every((code) => accepted.includes(code)) ? none : named.filter((code) => !accepted.includes(code))
}

/**
 * Returns the codes that are a row's to unsubscribe or to keep: its code, the code that it will have once it is read, and, while it is
 * owed, its former codes. A read that the stream has not passed may have told that it gave one up: another row must not unsubscribe it
 * before the stream shows who has it.
 */
export function codesOwnedBy({ code, removed, owed, formerCodes }: RecordCodes): readonly PatientCode[] {
  return distinct([removed ? null : code, owed?.nextCode ?? null, ...(owed ? formerCodes : [])])
}

/**
 * Rule 12a: returns the codes that a new record takes from its row. A row that is rejected keeps its codes, but has nothing valid to send
 * for them any more: only the content of another row that has one of them is right.
 */
export function codesTaken(
  before: (RecordCodes & Rejectable) | null | undefined,
  after: RecordCodes & Rejectable,
): readonly PatientCode[] {
  if (!before) return none
  // Once: two rejected rows with one code would make each other owed for ever.
  if (isRejected(after) && !isRejected(before)) return codesNamedBy(before)
  if (hasOnlySameCode(before, after)) return none
  const kept = codesNamedBy(after)
  const had = codesNamedBy(before)
  return had.every((code) => kept.includes(code)) ? none : had.filter((code) => !kept.includes(code))
}

/** Returns true for two records that name one code alone, the same: most rows never have another one. */
export function hasOnlySameCode(a: RecordCodes, b: RecordCodes): boolean {
  const isPlain = a.owed === null && b.owed === null && a.formerCodes.length === 0 && b.formerCodes.length === 0
  return isPlain && a.code === b.code && a.removed === b.removed
}

const none: readonly PatientCode[] = []

function distinct(codes: readonly (PatientCode | null)[]): PatientCode[] {
  return codes.filter((code, at): code is PatientCode => code !== null && codes.indexOf(code) === at)
}
