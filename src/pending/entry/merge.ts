import type { Debts } from '../../model/progress/debt.ts'
import type { Lsn } from '../../model/source/lsn.ts'
import { comparePositions, type Position } from '../../model/source/position.ts'
import { sees } from '../../model/source/visibility.ts'
import type { Entry } from './entry.ts'
import { newestKnown } from './entry-facts.ts'
import {
  type Content,
  codeOf,
  isEnd,
  type ReadRow,
  type StreamedChange,
  type Version,
  versionBytes,
} from './version.ts'

export interface MergeContext {
  readonly debts: Debts
  /** Streamed changes up to here may have been sent by an earlier run: MERGE rule 9's U. Null: there was none. */
  readonly horizon: Position | null
  readonly onDelete: 'ignore' | 'unsubscribe'
}

/** What decides whether a streamed version keeps its content. */
export interface ContentPolicy {
  /** MERGE's R: a read that ended there has left, and may contain something newer. Null: none has. */
  readonly readLsn: Lsn | null
  /** Memory is full in the hold: what comes is read from the table after it. */
  readonly dropsContent: boolean
}

/** MERGE rule 3, a change from the stream. @returns the version that takes the waiting one's place, or null if none does. */
export function mergeStreamed(
  entry: Entry,
  change: StreamedChange,
  { debts, horizon, onDelete }: MergeContext,
  policy: ContentPolicy,
): Version | null {
  const { position, xid } = change
  // 3a. The store contains it already: settled, and what is known is not lowered.
  if (entry.stored?.position && comparePositions(position, entry.stored.position) <= 0) return null
  // 3b. It becomes the newest known; an earlier run may have sent it without recording the answer.
  entry.know(position, xid)
  if (horizon && comparePositions(position, horizon) <= 0) entry.doubt()
  // 3c. A read that was merged contains it: only its debt is taken over, and the label rises.
  if (entry.read && sees(entry.read.snapshot, xid)) {
    const holder = entry.waiting ?? entry.inFlight
    if (holder) {
      holder.debt = debts.join(holder.debt, debts.owe())
      holder.position = position
      holder.xid = xid
      // The stream has come to the end that the read brought: it has its place in the stream's order now, unless the row came back.
      if (isEnd(holder.content)) holder.origin = isEnd(change.content) ? 'stream' : 'read'
      // It is still to be read, and will have the code that the newest change told.
      if (holder.content.kind === 'incomplete') holder.content = incomplete(change.content)
    }
    const isNoticed = onDelete === 'unsubscribe' && hadOtherCode(entry, change.content)
    return isNoticed && !holder ? streamedVersion(change, incomplete(change.content), debts) : null
  }
  // 3d. It replaces what waits. Without its content if a read that left may contain something newer.
  const isOutdated = policy.readLsn !== null && position.commitLsn < policy.readLsn
  if (isOutdated || policy.dropsContent) return streamedVersion(change, incomplete(change.content), debts)
  return streamedVersion(change, inherit(change.content, entry), debts)
}

/** The content is to be read; the code stays known, so that nobody unsubscribes it in the meantime. */
function incomplete(content: Content): Content {
  return { kind: 'incomplete', code: codeOf(content) }
}

/**
 * A version that a read contains is never sent, and its code may have been left to this row by another one, durably: should no
 * later version have it, it is to be ended. The row is read again for it if nothing of it is on its way.
 */
function hadOtherCode(entry: Entry, content: Content): boolean {
  const { waiting, inFlight, stored, formerCodes } = entry
  const holder = waiting ?? inFlight
  const code = codeOf(content)
  if (content.kind !== 'patient' || code === null || formerCodes.includes(code)) return false
  if (code === (holder ? codeOf(holder.content) : stored?.code)) return false
  entry.remember(code)
  return true
}

/** A deleted row's code and patient are taken over from the version that it replaces, if the change did not carry them. */
export function inherit(content: Content, { waiting, inFlight }: Pick<Entry, 'waiting' | 'inFlight'>): Content {
  if (content.kind !== 'removed' || content.code !== null) return content
  const older = (waiting ?? inFlight)?.content
  if (!older || older.kind === 'removed') return older ?? content
  return { kind: 'removed', code: codeOf(older), patient: older.kind === 'patient' ? older.patient : null }
}

function streamedVersion(change: StreamedChange, content: Content, debts: Debts): Version {
  const { position, xid, committedAtMs, bytes } = change
  return {
    content,
    origin: 'stream',
    lane: 'live',
    committedAtMs,
    bytes: content.kind === 'incomplete' ? versionBytes : bytes,
    read: null,
    position,
    xid,
    debt: debts.owe(),
    claim: null,
  }
}

/**
 * MERGE rules 4 and 5, a row that a read returned or did not find. A stale read, and an absence of a row that nobody knows,
 * leave nothing behind. So does a row whose record is unknown: it was settled and forgotten while the read was under way.
 */
export function mergeRead(
  entry: Entry,
  found: ReadRow,
  number: number,
): { readonly stale: boolean; readonly version: Version | null } {
  const { stored, waiting } = entry
  if (stored === undefined) return { stale: true, version: null }
  const known = newestKnown(entry)
  const stale = isStale(known, found)
  if (stale || (isEnd(found.content) && !isKnown(entry))) return { stale, version: null }
  const read = { number, snapshot: found.snapshot, endLsn: found.endLsn }
  // What the stream has passed already contains nothing that is still to come.
  if (found.containsLsn == null) entry.mark(read)
  // An absence that the stream has brought already is no news: the change keeps its place in the stream's order.
  if (isEnd(found.content) && waiting?.origin === 'stream' && isEnd(waiting.content))
    return { stale, version: { ...waiting, read, debt: null, claim: found.claim } }
  const version: Version = {
    content: inherit(found.content, entry),
    origin: 'read',
    lane: waiting?.lane ?? found.lane,
    committedAtMs: waiting?.committedAtMs ?? found.readAtMs,
    bytes: found.bytes,
    read,
    // Labelled with the newest streamed change that it contains, never with the position of the read.
    position: known?.position ?? null,
    xid: known?.xid ?? null,
    debt: null,
    claim: found.claim,
  }
  return { stale, version }
}

/** Rule 5: mediQuo may have something of this row. */
function isKnown({ stored, waiting, inFlight, inDoubt }: Entry): boolean {
  if (waiting || inFlight || inDoubt) return true
  return stored != null && (!stored.removed || stored.deadLetter !== null || stored.owed !== null)
}

/** Of a standby's read: a change that was streamed since it began is as new, or newer. Its server shows what it has streamed. */
function isStale(known: ReturnType<typeof newestKnown>, { snapshot, containsLsn }: ReadRow): boolean {
  if (containsLsn == null) return known?.xid != null && !sees(snapshot, known.xid)
  return known?.position != null && known.position.commitLsn >= containsLsn
}
