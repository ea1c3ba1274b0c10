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
  /** Newest streamed change that an earlier run may have sent: rule 9's U. Null if there was no earlier run. */
  readonly horizon: Position | null
  readonly onDelete: 'ignore' | 'unsubscribe'
}

/** Facts that decide whether a streamed version keeps its content. */
export interface ContentPolicy {
  /** R: a read that ended there was sent, and may contain something newer. Null if none was sent. */
  readonly readLsn: Lsn | null
  /** True if memory is full in the hold: rows that arrive are read from the table after it. */
  readonly dropsContent: boolean
}

/** Rule 3, a change from the stream. @returns the version that replaces the waiting one, or null if none does. */
export function mergeStreamed(
  entry: Entry,
  change: StreamedChange,
  { debts, horizon, onDelete }: MergeContext,
  policy: ContentPolicy,
): Version | null {
  const { position, xid } = change
  // 3a. The store contains the change already: it is settled, and the known position is not lowered.
  if (entry.stored?.position && comparePositions(position, entry.stored.position) <= 0) return null
  // 3b. The change becomes the newest known; an earlier run may have sent it without recording the answer.
  entry.know(position, xid)
  if (horizon && comparePositions(position, horizon) <= 0) entry.doubt()
  // 3c. A merged read contains the change: take over its debt, and raise the label.
  if (entry.read && sees(entry.read.snapshot, xid)) {
    const holder = entry.waiting ?? entry.inFlight
    if (holder) {
      holder.debt = debts.join(holder.debt, debts.owe())
      holder.position = position
      holder.xid = xid
      // The stream has reached the end that the read showed: the end has its place in the stream's order now, unless the row came back.
      if (isEnd(holder.content)) holder.origin = isEnd(change.content) ? 'stream' : 'read'
      // The content is still to be read, and will have the code of the newest change.
      if (holder.content.kind === 'incomplete') holder.content = incomplete(change.content)
    }
    const isNoticed = onDelete === 'unsubscribe' && hadOtherCode(entry, change.content)
    return isNoticed && !holder ? streamedVersion(change, incomplete(change.content), debts) : null
  }
  // 3d. The change replaces what waits, without its content if a read that was sent may contain something newer.
  const isOutdated = policy.readLsn !== null && position.commitLsn < policy.readLsn
  if (isOutdated || policy.dropsContent) return streamedVersion(change, incomplete(change.content), debts)
  return streamedVersion(change, inherit(change.content, entry), debts)
}

/** Returns a content that is to be read. The code stays known, so that no other row unsubscribes it in the meantime. */
function incomplete(content: Content): Content {
  return { kind: 'incomplete', code: codeOf(content) }
}

/**
 * Returns true if the change told a code that the row does not have otherwise, and remembers it. The version is never sent, since a
 * read contains it. Another row may durably have left the code to this row: it is to be unsubscribed if no later version has it.
 * The row is read again for it if nothing of it waits or is in flight.
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

/** Takes a deleted row's code and patient from the version that it replaces, if the change did not carry them. */
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
    backfillDebt: null,
  }
}

/**
 * Rules 4 and 5, a row that a read returned or did not find. A stale read leaves nothing behind, nor does the absence of an
 * unknown row. The same applies to a row whose record is not loaded: it was settled and forgotten during the read.
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
  // A mark is needed only if the stream may still deliver something that the read contains. On a standby the stream has passed it.
  if (found.containsLsn == null) entry.mark(read)
  // The stream has delivered this end already: the change keeps its place in the stream's order.
  if (isEnd(found.content) && waiting?.origin === 'stream' && isEnd(waiting.content))
    return { stale, version: { ...waiting, read, debt: null, backfillDebt: found.backfillDebt } }
  const version: Version = {
    content: inherit(found.content, entry),
    origin: 'read',
    lane: waiting?.lane ?? found.lane,
    committedAtMs: waiting?.committedAtMs ?? found.readAtMs,
    bytes: found.bytes,
    read,
    // The label is the newest streamed change that the read contains, never the position of the read.
    position: known?.position ?? null,
    xid: known?.xid ?? null,
    debt: null,
    backfillDebt: found.backfillDebt,
  }
  return { stale, version }
}

/** Rule 5: returns true if mediQuo may have something of this row. */
function isKnown({ stored, waiting, inFlight, inDoubt }: Entry): boolean {
  if (waiting || inFlight || inDoubt) return true
  return stored != null && (!stored.removed || stored.deadLetter !== null || stored.owed !== null)
}

/** On a standby: a change that was streamed since the read began is as new or newer. The server shows what it has streamed. */
function isStale(known: ReturnType<typeof newestKnown>, { snapshot, containsLsn }: ReadRow): boolean {
  if (containsLsn == null) return known?.xid != null && !sees(snapshot, known.xid)
  return known?.position != null && known.position.commitLsn >= containsLsn
}
