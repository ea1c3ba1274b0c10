import type { Patient, PatientCode } from '../../model/patient/patient.ts'
import type { DeadLetter, Owed, OwedReason, StoredRow } from '../../model/progress/stored-row.ts'
import { comparePositions } from '../../model/source/position.ts'
import type { EntryView } from './entry.ts'
import { codesBeside, newestKnown } from './entry-facts.ts'
import type { UnsentOutcome } from './next-step.ts'
import { codeOf, type Delivery, isEnd, type Purpose, type Version } from './version.ts'

/** How a version ended. `superseded`: the store contained it, or something newer, already. `owed`: it is noted, to be read again. */
export const settledOutcomes = [
  'delivered',
  'unchanged',
  'ignored',
  'nothing to remove',
  'dead letter',
  'superseded',
  'owed',
] as const
export type Settled = (typeof settledOutcomes)[number]

/**
 * Returns what the store says before a request leaves with a code: the API may hold anything of it from then on. With this,
 * neither a crash nor a lost slot can make a fingerprint tell a lie, or let a row be forgotten that was sent and then deleted.
 * Null if the store says so already.
 */
export function intendedRow(entry: EntryView, sent: PatientCode, purpose: Purpose): StoredRow | null {
  const { key, stored } = entry
  // A code that ends does not take the place of one that mediQuo still has of the row.
  const code = purpose === 'retire' && stored && !stored.removed ? (stored.code ?? sent) : sent
  const { position = null, xid = null, formerCodes: known = [], owed = null } = stored ?? {}
  const isNamed = sent === code || known.includes(sent)
  if (stored && stored.fingerprint === null && !stored.removed && stored.code === code && isNamed) return null
  const formerCodes = isNamed ? known : [...known, sent]
  const deadLetter = letterAsBefore(entry)
  return { key, code, formerCodes, fingerprint: null, removed: false, position, xid, deadLetter, owed }
}

/** A dead letter that the store has is not written again: that would count as a refusal, and bring back one that was discarded. */
function letterAsBefore({ stored, unrecorded }: EntryView): StoredRow['deadLetter'] {
  if (!stored?.deadLetter) return null
  return unrecorded ? unrecorded.deadLetter : 'kept'
}

/** Whether storing a row would change nothing. */
export function isSameRow(a: StoredRow, b: StoredRow | null | undefined): boolean {
  if (!b || a.code !== b.code || a.fingerprint !== b.fingerprint || a.removed !== b.removed) return false
  if (a.owed !== b.owed || a.formerCodes.join('\n') !== b.formerCodes.join('\n')) return false
  if (a.xid !== b.xid || a.deadLetter !== b.deadLetter || a.position === null || b.position === null)
    return a.xid === b.xid && a.deadLetter === b.deadLetter && a.position === b.position
  return comparePositions(a.position, b.position) === 0
}

/**
 * … after the API accepted a row's present state, or its end. `fingerprint`: null while it is still to be read back, and then
 * `owed` says when it is sent again if it never is.
 */
export function afterAcceptance(
  entry: EntryView,
  delivery: Delivery,
  fingerprint: ((patient: Patient) => string) | null,
  owed: Owed | null = null,
): StoredRow {
  const removed = delivery.purpose === 'remove'
  return labelled(entry, delivery.version, {
    code: delivery.code,
    fingerprint: removed || !fingerprint ? null : fingerprint(delivery.patient),
    removed,
    deadLetter: null,
    owed,
  })
}

/**
 * … after a code that the row no longer has was ended, or left to another row, of which nothing is known then; null if the
 * store does not name that code. The row's own version is still to come, so the label stays.
 */
export function afterRetirement(entry: EntryView, code: PatientCode, isLeft: boolean): StoredRow | null {
  const { key, stored } = entry
  if (!stored) return null
  const { position, xid } = stored
  // It keeps the code no more for what is to be read: another row may end it from now on.
  const isNext = stored.owed?.nextCode === code
  const owed = stored.owed && isNext ? { ...stored.owed, nextCode: null } : stored.owed
  const formerCodes = stored.formerCodes.filter((former) => former !== code)
  const deadLetter = letterAsBefore(entry)
  if (stored.code !== code) {
    if (formerCodes.length === stored.formerCodes.length && !isNext) return null
    return { ...stored, formerCodes, deadLetter, owed }
  }
  return {
    key,
    code: isLeft ? null : code,
    formerCodes,
    fingerprint: null,
    removed: true,
    position,
    xid,
    deadLetter,
    owed,
  }
}

/** … after another row left a code to it; null if the store says that it may have it, or the row's record is not loaded. */
export function withFormerCode(entry: EntryView, code: PatientCode): StoredRow | null {
  const { key, stored } = entry
  if (stored === undefined) return null
  if (stored === null) {
    const unknown = { fingerprint: null, position: null, xid: null, deadLetter: null, owed: null }
    return { key, code: null, formerCodes: [code], removed: false, ...unknown }
  }
  const isKnown = (stored.code === code && !stored.removed) || stored.formerCodes.includes(code)
  if (isKnown) return null
  return { ...stored, formerCodes: [...stored.formerCodes, code], deadLetter: letterAsBefore(entry) }
}

/** … after the API refused it. The code at mediQuo stays the one last accepted; what it holds is unknown. */
export function afterRefusal(entry: EntryView, delivery: Delivery, deadLetter: DeadLetter): StoredRow {
  return rejected(entry, delivery.version, delivery.code, deadLetter)
}

/**
 * … after a version was settled without a request. @param isOver whether no lost request of a code can be applied any more: until
 * then an end that was accepted stays to be confirmed.
 */
export function unsentRow(
  entry: EntryView,
  outcome: UnsentOutcome,
  isOver: (code: PatientCode) => boolean,
): StoredRow | null {
  const version = entry.waiting
  if (!version) return null
  const { content } = version
  const code = entry.stored?.code ?? codeOf(content)
  if (content.kind === 'invalid') {
    return rejected(entry, version, content.code, { reason: 'invalid', attributes: content.invalid, status: null })
  }
  const removed = content.kind === 'removed'
  const { owed = null } = entry.stored ?? {}
  const isInDoubt = removed && owed?.reason === 'confirm' && code !== null && !isOver(code)
  const plain = { deadLetter: null, owed: isInDoubt ? owed : null, removed }
  // What another row answers for has not ended: should this row have it back, and go, it is to be ended then.
  if (removed && entry.removal?.kind === 'left')
    return labelled(entry, version, { code: null, fingerprint: null, ...plain, owed: null })
  const fingerprint = outcome === 'unchanged' && !removed ? (entry.stored?.fingerprint ?? null) : null
  return labelled(entry, version, { code, fingerprint, ...plain })
}

/**
 * … after a version was dropped from memory, to be read from the table later. The label rises to it, so that neither its change
 * when it is streamed again, nor a read that lacks it, is taken for news. Codes stay known, and the one that the row will have.
 */
export function owedRow(
  entry: EntryView,
  version: Version,
  { reason, delayMs }: { readonly reason: OwedReason; readonly delayMs: number },
): StoredRow {
  const { key, stored } = entry
  const { position = null, xid = null } = newestKnown(entry) ?? {}
  const code = stored?.code ?? null
  const removed = stored?.removed ?? false
  const known = removed ? null : code
  const told = isEnd(version.content) ? codeOf(version.content) : null
  // An end that only a read told is none to other rows before the stream shows it: another may have taken the code since.
  const kept = version.origin === 'read' ? (stored?.owed?.nextCode ?? null) : null
  const nextCode = isEnd(version.content) ? kept : codeOf(version.content)
  const formerCodes = codesBeside(entry, known).filter((former) => former !== nextCode)
  if (told !== null && told !== known && !formerCodes.includes(told)) formerCodes.push(told)
  const owed = { reason, nextCode, delayMs }
  return { key, code, formerCodes, fingerprint: null, removed, position, xid, deadLetter: letterAsBefore(entry), owed }
}

function rejected(entry: EntryView, version: Version, code: PatientCode | null, deadLetter: DeadLetter): StoredRow {
  const { stored } = entry
  // One that ended, or that the row left, tells nothing of the code that it has now: mediQuo may have it from another row.
  const isNew = stored?.removed === true && code !== null
  return labelled(entry, version, {
    code: isNew ? code : (stored?.code ?? code),
    fingerprint: null,
    removed: isNew ? false : (stored?.removed ?? false),
    deadLetter,
    owed: null,
  })
}

/** … with the newest streamed change that is contained: the version's, unless the store's is newer. */
function labelled(
  entry: EntryView,
  version: Version,
  row: Pick<StoredRow, 'code' | 'fingerprint' | 'removed' | 'deadLetter' | 'owed'>,
): StoredRow {
  const { stored, key } = entry
  const older = stored?.position && version.position && comparePositions(stored.position, version.position) > 0
  const { position, xid } = stored && (older || !version.position) ? stored : version
  // Each property by name: a spread in front of others makes objects that V8 keeps as hash tables, which is slow.
  const { code, fingerprint, removed, deadLetter, owed } = row
  return { key, code, formerCodes: noCodes, fingerprint, removed, position, xid, deadLetter, owed }
}

/** Every other code was ended before, or is never ended. */
const noCodes: readonly PatientCode[] = []
