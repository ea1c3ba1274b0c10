import type { Patient, PatientCode } from '../../model/patient/patient.ts'
import {
  type DeadLetter,
  isToConfirm,
  type Owed,
  type OwedReason,
  type StoredRow,
  toConfirm,
} from '../../model/progress/stored-row.ts'
import { comparePositions } from '../../model/source/position.ts'
import type { EntryView } from './entry.ts'
import { codesBeside, codesReadBack, newestKnown } from './entry-facts.ts'
import { type UnsentOutcome, unsentOutcomes } from './next-step.ts'
import { unacceptedCodesOf } from './record-codes.ts'
import { codeOf, type Delivery, isEnd, type Purpose, type Version } from './version.ts'

/** Outcomes of a version. `superseded`: the store has it or a newer one already. `owed`: it is noted, to be read again. */
export const settledOutcomes = ['delivered', ...unsentOutcomes, 'superseded', 'owed'] as const
export type Settled = (typeof settledOutcomes)[number]

/**
 * Returns the record to store before a request with a code is sent: from then on the API may have anything of the code. With this
 * record a fingerprint stays true after a crash or a lost slot, and a row that was sent and then deleted is not forgotten. Null if
 * the store has the record already.
 */
export function intendedRow(entry: EntryView, sent: PatientCode, purpose: Purpose): StoredRow | null {
  const { key, stored } = entry
  // A code to unsubscribe does not replace one that mediQuo still has of the row.
  const mayHave = stored && (!stored.removed || (stored.code !== null && entry.formerCodes.includes(stored.code)))
  const code = purpose === 'unsubscribe code' && mayHave ? (stored.code ?? sent) : sent
  const { position = null, xid = null, formerCodes = [], owed: before = null } = stored ?? {}
  const removed = stored?.removed && stored.code !== code ? stored.code : null
  const known = removed !== null && codesReadBack(entry).includes(removed) ? [...formerCodes, removed] : formerCodes
  const isNamed = sent === code || known.includes(sent)
  // A row stays owed: a crash before the answer must not lose it, nor that there was a request.
  const owed = before && toConfirm(before)
  const isNoted = stored && stored.fingerprint === null && !stored.removed && stored.owed === owed
  if (isNoted && stored.code === code && isNamed) return null
  const deadLetter = letterAsBefore(entry)
  const named = isNamed ? known : [...known, sent]
  const row = { key, code, formerCodes: named, fingerprint: null, removed: false, position, xid, deadLetter, owed }
  return withUnaccepted(entry, row)
}

/** Keeps a stored dead letter as it is: writing it again would count as a refusal, and restore one that was discarded. */
function letterAsBefore({ stored, unrecorded }: EntryView): StoredRow['deadLetter'] {
  if (!stored?.deadLetter) return null
  return unrecorded ? unrecorded.deadLetter : 'kept'
}

/** Returns true if storing a row would change nothing. */
export function isSameRow(a: StoredRow, b: StoredRow | null | undefined): boolean {
  if (!b || a.code !== b.code || a.fingerprint !== b.fingerprint || a.removed !== b.removed) return false
  if (a.owed !== b.owed || a.formerCodes.join('\n') !== b.formerCodes.join('\n')) return false
  if (a.unacceptedCodes.join('\n') !== b.unacceptedCodes.join('\n')) return false
  if (a.xid !== b.xid || a.deadLetter !== b.deadLetter || a.position === null || b.position === null)
    return a.xid === b.xid && a.deadLetter === b.deadLetter && a.position === b.position
  return comparePositions(a.position, b.position) === 0
}

/**
 * Returns the record after the API accepted a row's present state, or its end. `fingerprint`: null while the row is still to be
 * read back. `owed` then says when it is sent again if it is never read back.
 */
export function afterAcceptance(
  entry: EntryView,
  delivery: Delivery,
  fingerprint: ((patient: Patient) => string) | null,
  owed: Owed | null = null,
  formerCodes: readonly PatientCode[] = noCodes,
): StoredRow {
  const removed = delivery.purpose === 'remove'
  const row = labelled(entry, delivery.version, {
    code: delivery.code,
    fingerprint: removed || !fingerprint ? null : fingerprint(delivery.patient),
    removed,
    deadLetter: null,
    owed,
  })
  return formerCodes.length > 0
    ? withUnaccepted(entry, { ...row, formerCodes: [...row.formerCodes, ...formerCodes] })
    : row
}

/**
 * Returns the record after a former code of the row was unsubscribed, or left to another row (nothing is known of it then); null if
 * the store does not name that code. The row's own version is still to be settled, so the label stays.
 */
export function afterUnsubscription(entry: EntryView, code: PatientCode, isLeft: boolean): StoredRow | null {
  const { key, stored } = entry
  if (!stored) return null
  const { position, xid } = stored
  // The row no longer reserves the code for its next read: another row may unsubscribe it from now on.
  const isNext = stored.owed?.nextCode === code
  const before = stored.owed && isNext ? { ...stored.owed, nextCode: null } : stored.owed
  const others = stored.formerCodes.filter((former) => former !== code)
  const isReadBack = codesReadBack(entry).includes(code)
  const owed = isReadBack ? toConfirm(before ?? toReadBack) : before
  const deadLetter = letterAsBefore(entry)
  if (stored.code !== code) {
    if (isReadBack)
      return withUnaccepted(entry, { ...stored, formerCodes: [...others, code], fingerprint: null, deadLetter, owed })
    if (others.length === stored.formerCodes.length && !isNext) return null
    return withUnaccepted(entry, { ...stored, formerCodes: others, deadLetter, owed })
  }
  const named = { code: isLeft ? null : code, formerCodes: others }
  return withUnaccepted(entry, { key, ...named, fingerprint: null, removed: true, position, xid, deadLetter, owed })
}

/** Returns the record after a code that was unsubscribed has been read back so; null if the record does not name the code. */
export function afterReadBack(entry: EntryView, code: PatientCode): StoredRow | null {
  const { stored } = entry
  if (!stored?.formerCodes.includes(code) || entry.formerCodes.includes(code)) return null
  const formerCodes = stored.formerCodes.filter((former) => former !== code)
  return { ...stored, formerCodes, deadLetter: letterAsBefore(entry) }
}

/** Returns the record after another row left a code to this row; null if the store knows the code, or the record is not loaded. */
export function withFormerCode(entry: EntryView, code: PatientCode): StoredRow | null {
  const { key, stored } = entry
  if (stored === undefined) return null
  if (stored === null) {
    const unknown = { fingerprint: null, position: null, xid: null, deadLetter: null, owed: null }
    return withUnaccepted(entry, { key, code: null, formerCodes: [code], removed: false, ...unknown })
  }
  const isKnown = (stored.code === code && !stored.removed) || stored.formerCodes.includes(code)
  if (isKnown) return null
  const formerCodes = [...stored.formerCodes, code]
  return withUnaccepted(entry, { ...stored, formerCodes, deadLetter: letterAsBefore(entry) })
}

/**
 * Returns the record after the API refused to unsubscribe a former code of the row. mediQuo still has the code, so it stays a former
 * code: it is tried again with each version of the row.
 */
export function withRefusedCode(entry: EntryView, code: PatientCode, letter: DeadLetter): StoredRow {
  const { key, stored } = entry
  const { formerCodes = [], position = null, xid = null, owed = null } = stored ?? {}
  const isPresent = !stored || (stored.code === code && !stored.removed)
  const named = { code: isPresent ? null : stored.code, removed: isPresent ? false : stored.removed }
  return withUnaccepted(entry, {
    key,
    ...named,
    formerCodes: formerCodes.includes(code) ? formerCodes : [...formerCodes, code],
    fingerprint: null,
    position,
    xid,
    deadLetter: { ...letter, formerCode: code },
    // The time for which it was looked for stays: the other codes of the row have been awaited for as long.
    owed,
  })
}

/** Returns the record after the API refused the row. The code stays the one last accepted; what mediQuo has of it is unknown. */
export function afterRefusal(entry: EntryView, delivery: Delivery, deadLetter: DeadLetter): StoredRow {
  return rejected(entry, delivery.version, delivery.code, deadLetter)
}

/**
 * Returns the record after a version was settled without a request. @param isEnded returns true if a code is ended for good: until then
 * an accepted end stays to be confirmed.
 */
export function unsentRow(
  entry: EntryView,
  outcome: UnsentOutcome,
  isEnded: (code: PatientCode) => boolean,
): StoredRow | null {
  const version = entry.waiting
  if (!version) return null
  const { content } = version
  const code = entry.stored?.code ?? codeOf(content)
  if (content.kind === 'invalid') {
    return rejected(entry, version, content.code, { reason: 'invalid', attributes: content.invalid, status: null })
  }
  if (entry.removal?.kind === 'unknown') return rejected(entry, version, entry.removal.code, cannotBeUnsubscribed)
  const removed = content.kind === 'removed'
  const { owed = null } = entry.stored ?? {}
  const isInDoubt = removed && isToConfirm(owed) && code !== null && !isEnded(code)
  const plain = { deadLetter: null, owed: isInDoubt ? owed : null, removed }
  // A code that another row has is not unsubscribed: if this row gets it back and is deleted, it is to be unsubscribed then.
  if (removed && entry.removal?.kind === 'left')
    return labelled(entry, version, { code: null, fingerprint: null, ...plain, owed: null })
  const fingerprint = outcome === 'unchanged' && !removed ? (entry.stored?.fingerprint ?? null) : null
  return labelled(entry, version, { code, fingerprint, ...plain })
}

/** Reason and delay of a row that is dropped from memory. `soughtForMs`: null: nothing was looked for; undefined: as before. */
export interface OwedFor {
  readonly reason: OwedReason
  readonly delayMs: number
  readonly soughtForMs?: number | null | undefined
}

/**
 * Returns the record of a version that is dropped from memory, to be read from the table later. The label rises to the newest known
 * change. So neither the change when it is streamed again, nor a read that lacks it, counts as new. Codes stay known, including the
 * code that the row will have.
 */
export function owedRow(
  entry: EntryView,
  version: Version,
  { reason, delayMs, soughtForMs = entry.stored?.owed?.soughtForMs }: OwedFor,
): StoredRow {
  const { key, stored } = entry
  const { position = null, xid = null } = newestKnown(entry) ?? {}
  const code = stored?.code ?? null
  const removed = stored?.removed ?? false
  const known = removed ? null : code
  const told = isEnd(version.content) ? codeOf(version.content) : null
  // For other rows, an end that only a read showed does not count before the stream shows it: another row may have taken the code since.
  const kept = version.origin === 'read' ? (stored?.owed?.nextCode ?? null) : null
  const nextCode = isEnd(version.content) ? kept : codeOf(version.content)
  const isKept = (former: PatientCode) => former !== nextCode && former !== code
  const readBack = codesReadBack(entry)
  const formerCodes = codesBeside(entry, known).filter((former) => former !== nextCode)
  formerCodes.push(...readBack.filter((former) => isKept(former) && !formerCodes.includes(former)))
  if (told !== null && told !== known && !formerCodes.includes(told)) formerCodes.push(told)
  const sought = reason === 'end' && soughtForMs != null ? { soughtForMs } : null
  const owed: Owed = { reason, nextCode, delayMs, ...sought }
  const due = entry.unanswered || readBack.length > 0 ? toConfirm(owed) : owed
  const deadLetter = letterAsBefore(entry)
  const row = { key, code, formerCodes, fingerprint: null, removed, position, xid, deadLetter, owed: due }
  return withUnaccepted(entry, row)
}

/**
 * Returns the record of a row whose code another row gave up (rule 12a); null if it says so already, or if there is none. @param isInDoubt
 * true if a request of the other row may still be applied.
 */
export function owedAgain(entry: EntryView, isInDoubt = false): StoredRow | null {
  const { stored } = entry
  const isOwed = stored?.fingerprint === null && stored.owed !== null && (!isInDoubt || isToConfirm(stored.owed))
  if (!stored || (isOwed && stored.unacceptedCodes.every((code) => !entry.acceptedCodes.includes(code)))) return null
  // Without a fingerprint the record is possibly an intent: its request stays unanswered.
  const again = stored.fingerprint === null ? toConfirm(toSendAgain) : toSendAgain
  const before = stored.owed ?? again
  const owed = isInDoubt ? toConfirm(before) : before
  return withUnaccepted(entry, { ...stored, fingerprint: null, deadLetter: letterAsBefore(entry), owed })
}

/** Returns the record after something with a code of the row was answered with a success; null if the store says so already. */
export function withAcceptedCodes(entry: EntryView): StoredRow | null {
  const { stored } = entry
  if (!stored?.unacceptedCodes.some((code) => entry.acceptedCodes.includes(code))) return null
  return withUnaccepted(entry, { ...stored, deadLetter: letterAsBefore(entry) })
}

/** The row is read and sent again as soon as it is stored. */
export const toSendAgain: Owed = { reason: 'content', nextCode: null, delayMs: 0 }

/** Rule 20: mediQuo does not show the patient of a code that it accepted, or cannot be asked. */
export const cannotBeUnsubscribed: DeadLetter = { reason: 'cannot be unsubscribed', attributes: [], status: null }

function withUnaccepted(entry: EntryView, row: Omit<StoredRow, 'unacceptedCodes'>): StoredRow {
  return { ...row, unacceptedCodes: unacceptedCodesOf(row, entry.acceptedCodes) }
}

function rejected(entry: EntryView, version: Version, code: PatientCode | null, deadLetter: DeadLetter): StoredRow {
  const { stored } = entry
  // A code that was unsubscribed, or that the row left, says nothing about its present code: mediQuo may have that from another row.
  const isNew = stored?.removed === true && code !== null
  return labelled(entry, version, {
    code: isNew ? code : (stored?.code ?? code),
    fingerprint: null,
    removed: isNew ? false : (stored?.removed ?? false),
    deadLetter,
    owed: null,
  })
}

/** Adds the label: the newest streamed change contained, which is the version's unless the store's is newer. */
function labelled(
  entry: EntryView,
  version: Version,
  row: Pick<StoredRow, 'code' | 'fingerprint' | 'removed' | 'deadLetter' | 'owed'>,
): StoredRow {
  const { stored, key } = entry
  const older = stored?.position && version.position && comparePositions(stored.position, version.position) > 0
  const { position, xid } = stored && (older || !version.position) ? stored : version
  // Name each property: a spread followed by other properties makes objects that V8 keeps as hash tables, which is slow.
  const { code, fingerprint, removed, deadLetter, owed } = row
  const letter = deadLetter ?? (entry.refusedCodes.length > 0 ? letterAsBefore(entry) : null)
  const readBack = codesReadBack(entry).filter((other) => other !== code)
  // Every other code was unsubscribed before, or never is, but for those that the API refuses to unsubscribe.
  const formerCodes = entry.refusedCodes
  if (readBack.length === 0) {
    const unacceptedCodes = unacceptedCodesOf({ code, removed, owed, formerCodes }, entry.acceptedCodes)
    return { key, code, formerCodes, unacceptedCodes, fingerprint, removed, position, xid, deadLetter: letter, owed }
  }
  const again = toConfirm(owed ?? { ...toReadBack, nextCode: removed ? null : code })
  const kept = [...formerCodes, ...readBack]
  const record = { key, code, formerCodes: kept, removed, position, xid, deadLetter: letter, owed: again }
  return withUnaccepted(entry, { ...record, fingerprint: null })
}

/** The row is read again after a minute: an older request may subscribe a code of it again, if nobody reads the code back until then. */
const toReadBack: Owed = { reason: 'end', nextCode: null, delayMs: 60_000 }

const noCodes: readonly PatientCode[] = []
