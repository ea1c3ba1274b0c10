import type { CodeFetching } from './delivery/code-fetching.ts'
import type { Sending } from './delivery/sending.ts'
import type { Unsubscribing } from './delivery/unsubscribing.ts'
import type { CoreEvent, Ticket } from './events.ts'
import type { Loading } from './record/loading.ts'
import type { Recording } from './record/recording.ts'
import type { BackPressure } from './stream/back-pressure.ts'
import type { Receiving } from './stream/receiving.ts'
import type { Backfilling } from './table/backfilling.ts'
import type { OwedRows } from './table/owed-rows.ts'
import type { TableReading } from './table/table-reading.ts'

/** Parts of the core that receive events. */
export interface RoutedParts {
  readonly receiving: Receiving
  readonly loading: Loading
  readonly reading: TableReading
  readonly backfilling: Backfilling
  readonly owedContent: OwedRows
  readonly owedEnds: OwedRows
  readonly unsubscribing: Unsubscribing
  readonly fetching: CodeFetching
  readonly sending: Sending
  readonly recording: Recording
  readonly backPressure: BackPressure
}

/** Changes that an event makes to the core as a whole. */
export interface Lifecycle {
  setActive(isActive: boolean): void
  drain(): void
  /** Called at the time of `wake at`. */
  woke(): void
}

export type Routes = {
  readonly [K in CoreEvent['kind']]: (event: Extract<CoreEvent, { kind: K }>, nowMs: number) => void
}

/** Returns the part that handles each event. An answer goes to the part that has its ticket; the others return false. */
export function createRoutes(parts: RoutedParts, lifecycle: Lifecycle): Routes {
  const { receiving, loading, reading, backfilling, owedContent, owedEnds } = parts
  const { unsubscribing, fetching, sending, recording, backPressure } = parts

  function failed(ticket: Ticket, nowMs: number): void {
    if (recording.failed(ticket, nowMs)) {
      sending.writeFailed(nowMs)
      return
    }
    const retried = [loading, reading, backfilling, owedContent, owedEnds, unsubscribing, fetching, sending]
    retried.some((part) => part.failed(ticket, nowMs))
  }

  return {
    wal: ({ wal }, nowMs) => receiving.receive(wal, nowMs),
    'stream opened': () => backPressure.opened(),
    'stream active': () => lifecycle.setActive(true),
    'stream lost': () => lifecycle.setActive(false),
    'xid seen': ({ xid }) => receiving.sawXid(xid),
    'records loaded': ({ ticket, rows, shared }, nowMs) =>
      void (loading.loaded(ticket, rows, shared) || reading.recordsLoaded(ticket, { rows, shared }, nowMs)),
    'holders found': ({ ticket, holders }, nowMs) => void unsubscribing.holdersFound(ticket, holders, nowMs),
    'owed listed': ({ ticket, keys, nextInMs }, nowMs) =>
      void [owedContent, owedEnds].some((part) => part.listed(ticket, keys, nextInMs, nowMs)),
    'rows read': ({ ticket, read }, nowMs) => void reading.rowsRead(ticket, read, nowMs),
    'slot gap checked': ({ ticket, isClosed }, nowMs) => void reading.gapChecked(ticket, isClosed, nowMs),
    'backfill found': ({ ticket, run }) => void backfilling.found(ticket, run),
    'known rows listed': ({ ticket, keys }) => void backfilling.listed(ticket, keys),
    'permit granted': ({ ticket }) => void (sending.granted(ticket) || fetching.granted(ticket)),
    answered: ({ ticket, outcome }, nowMs) => void sending.answered(ticket, outcome, nowMs),
    'code fetched': ({ ticket, found }, nowMs) => void fetching.fetched(ticket, found, nowMs),
    recorded: ({ ticket }, nowMs) => void recording.recorded(ticket, nowMs),
    failed: ({ ticket }, nowMs) => failed(ticket, nowMs),
    drain: () => lifecycle.drain(),
    tick: () => lifecycle.woke(),
  }
}
