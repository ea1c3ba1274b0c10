import type { CoreEvent, Ticket } from './events.ts'
import type { CoreParts } from './parts.ts'

/** Changes that an event makes to the core as a whole. */
export interface Lifecycle {
  becameActive(othersLeaseMs: number): void
  becameInactive(): void
  drain(): void
  /** Called at the time of `wake at`. */
  woke(): void
}

export type Routes = {
  readonly [K in CoreEvent['kind']]: (event: Extract<CoreEvent, { kind: K }>, nowMs: number) => void
}

/** Returns the part that handles each event. An answer goes to the part that has its ticket; the others return false. */
export function createRoutes(parts: CoreParts, lifecycle: Lifecycle): Routes {
  const { receiving, backPressure } = parts.stream
  const { reading, backfilling, owed } = parts.table
  const { loading, recording, forgetting } = parts.record
  const { sending, fetching, unsubscribing } = parts.delivery

  function failed(ticket: Ticket, nowMs: number): void {
    if (recording.failed(ticket, nowMs)) {
      sending.writeFailed(nowMs)
      fetching.writeFailed()
      return
    }
    const retried = [loading, reading, backfilling, ...owed, unsubscribing, fetching, sending, forgetting]
    retried.some((part) => part.failed(ticket, nowMs))
  }

  return {
    wal: ({ wal }, nowMs) => receiving.receive(wal, nowMs),
    'stream opened': () => backPressure.opened(),
    'stream active': ({ othersLeaseMs }) => lifecycle.becameActive(othersLeaseMs),
    'stream lost': () => lifecycle.becameInactive(),
    'xid seen': ({ xid, xmin }) => {
      receiving.sawXid(xid)
      if (reading.isIdle) forgetting.seen({ xmin })
    },
    'records loaded': ({ ticket, rows, shared }, nowMs) =>
      void (loading.loaded(ticket, rows, shared) || reading.recordsLoaded(ticket, { rows, shared }, nowMs)),
    'holders found': ({ ticket, holders }, nowMs) => void unsubscribing.holdersFound(ticket, holders, nowMs),
    'owed listed': ({ ticket, keys, nextInMs }, nowMs) =>
      void owed.some((part) => part.listed(ticket, keys, nextInMs, nowMs)),
    'rows read': ({ ticket, read }, nowMs) => void reading.rowsRead(ticket, read, nowMs),
    'slot gap checked': ({ ticket, isClosed }, nowMs) => void reading.gapChecked(ticket, isClosed, nowMs),
    'backfill found': ({ ticket, run }) => void backfilling.found(ticket, run),
    'known rows listed': ({ ticket, keys }) => void backfilling.listed(ticket, keys),
    'removed rows forgotten': ({ ticket, last }, nowMs) => void forgetting.forgotten(ticket, last, nowMs),
    'permit granted': ({ ticket }) => void (sending.granted(ticket) || fetching.granted(ticket)),
    answered: ({ ticket, outcome }, nowMs) => void sending.answered(ticket, outcome, nowMs),
    'code fetched': ({ ticket, found }, nowMs) => void fetching.fetched(ticket, found, nowMs),
    recorded: ({ ticket, owed: keys }, nowMs) => {
      unsubscribing.stored(recording.recorded(ticket, keys, nowMs))
      // Stored already: write 0 is an earlier one.
      if (keys.length > 0) for (const part of owed) part.owed(nowMs, 0)
    },
    failed: ({ ticket }, nowMs) => failed(ticket, nowMs),
    drain: () => lifecycle.drain(),
    tick: () => lifecycle.woke(),
  }
}
