import type { Patient, PatientCode } from '../model/patient.ts'
import { comparePositions } from '../model/position.ts'
import type { DeadLetter, StoredRow } from '../model/stored-row.ts'
import type { UnsentOutcome } from './next-step.ts'
import { codeOf, type Entry, type Parcel, type Purpose, type Version } from './version.ts'

/** How a version ended. `superseded`: the state contained it, or something newer, already. */
export const settledOutcomes = [
  'delivered',
  'unchanged',
  'ignored',
  'nothing to remove',
  'dead letter',
  'superseded',
] as const
export type Settled = (typeof settledOutcomes)[number]

/**
 * What the state says before a request leaves with a code: the API may hold anything of it from then on. With this, neither a
 * crash nor a lost slot can make a fingerprint tell a lie, or let a row be forgotten that was sent and then deleted. Null if
 * the state says so already.
 */
export function intendedRow(entry: Entry, sent: PatientCode, purpose: Purpose): StoredRow | null {
  const { key, stored } = entry
  // A code that ends does not take the place of one that mediQuo still has of the row.
  const code = purpose === 'retire' && stored && !stored.removed ? (stored.code ?? sent) : sent
  if (stored && stored.fingerprint === null && !stored.removed && stored.code === code) return null
  const { position = null, xid = null } = stored ?? {}
  const deadLetter = letterAsBefore(entry)
  return { key, code, fingerprint: null, removed: false, position, xid, deadLetter, formerCodes: [], owed: null }
}

/** A dead letter that the state has is not written again: that would count as a refusal, and bring back one that was discarded. */
function letterAsBefore({ stored, unrecorded }: Entry): StoredRow['deadLetter'] {
  if (!stored?.deadLetter) return null
  return unrecorded ? unrecorded.deadLetter : 'kept'
}

/** Whether storing a row would change nothing. */
export function isSameRow(a: StoredRow, b: StoredRow | null | undefined): boolean {
  if (!b || a.code !== b.code || a.fingerprint !== b.fingerprint || a.removed !== b.removed) return false
  if (a.xid !== b.xid || a.deadLetter !== b.deadLetter || a.position === null || b.position === null)
    return a.xid === b.xid && a.deadLetter === b.deadLetter && a.position === b.position
  return comparePositions(a.position, b.position) === 0
}

/** … after the API accepted a row's present state, or its end. `fingerprint`: null while it is still to be read back. */
export function afterAcceptance(
  entry: Entry,
  parcel: Parcel,
  fingerprint: ((patient: Patient) => string) | null,
): StoredRow {
  const removed = parcel.purpose === 'remove'
  return labelled(entry, parcel.version, {
    code: parcel.code,
    fingerprint: removed || !fingerprint ? null : fingerprint(parcel.patient),
    removed,
    deadLetter: null,
  })
}

/**
 * … after a code that the row no longer has was ended, or left to another row, of which nothing is known then; null if the
 * state does not name that code. The row's own version is still to come, so the label stays.
 */
export function afterRetirement(entry: Entry, code: PatientCode, isLeft: boolean): StoredRow | null {
  if (entry.stored?.code !== code) return null
  return {
    key: entry.key,
    code: isLeft ? null : code,
    fingerprint: null,
    removed: true,
    position: entry.stored.position,
    xid: entry.stored.xid,
    deadLetter: letterAsBefore(entry),
    formerCodes: [],
    owed: null,
  }
}

/** … after the API refused it. The code at mediQuo stays the one last accepted; what it holds is unknown. */
export function afterRefusal(entry: Entry, parcel: Parcel, deadLetter: DeadLetter): StoredRow {
  return setAside(entry, parcel.version, parcel.code, deadLetter)
}

/** … after a version was settled without a request. */
export function unsentRow(entry: Entry, outcome: UnsentOutcome): StoredRow | null {
  const version = entry.waiting
  if (!version) return null
  const { content } = version
  const code = entry.stored?.code ?? codeOf(content)
  if (content.kind === 'invalid') {
    return setAside(entry, version, content.code, { reason: 'invalid', attributes: content.invalid, status: null })
  }
  const removed = content.kind === 'removed'
  // What another row answers for has not ended: should this row have it back, and go, it is to be ended then.
  if (removed && entry.removal?.kind === 'left')
    return labelled(entry, version, { code: null, fingerprint: null, removed, deadLetter: null })
  const fingerprint = outcome === 'unchanged' && !removed ? (entry.stored?.fingerprint ?? null) : null
  return labelled(entry, version, { code, fingerprint, removed, deadLetter: null })
}

function setAside(entry: Entry, version: Version, code: PatientCode | null, deadLetter: DeadLetter): StoredRow {
  const { stored } = entry
  // One that ended, or that the row left, tells nothing of the code that it has now: mediQuo may have it from another row.
  const isNew = stored?.removed === true && code !== null
  return labelled(entry, version, {
    code: isNew ? code : (stored?.code ?? code),
    fingerprint: null,
    removed: isNew ? false : (stored?.removed ?? false),
    deadLetter,
  })
}

type SettledState = Pick<StoredRow, 'code' | 'fingerprint' | 'removed' | 'deadLetter'>

/** … with the newest streamed change that is contained: the version's, unless the state's is newer. */
function labelled(entry: Entry, version: Version, row: SettledState): StoredRow {
  const { stored, key } = entry
  const older = stored?.position && version.position && comparePositions(stored.position, version.position) > 0
  const { position, xid } = stored && (older || !version.position) ? stored : version
  // Each property by name: a spread in front of others makes objects that V8 keeps as hash tables, which is slow.
  const { code, fingerprint, removed, deadLetter } = row
  return { key, code, fingerprint, removed, position, xid, deadLetter, formerCodes: [], owed: null }
}
