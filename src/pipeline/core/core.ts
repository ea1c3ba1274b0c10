import { BackfillLedger } from '../../backfill/backfill-ledger.ts'
import { Reload } from '../../backfill/reload.ts'
import { Progress } from '../../checkpoint/progress.ts'
import { maxReadsInFlight } from '../../model/api-limits.ts'
import { seededRandom } from '../../model/seeded-random.ts'
import { comparePositions } from '../../model/source/position.ts'
import type { Settled } from '../../pending/entry/settled-row.ts'
import type { Delivery } from '../../pending/entry/version.ts'
import { Pending } from '../../pending/pending.ts'
import type { CoreContext } from './context.ts'
import { CodeFetching } from './delivery/code-fetching.ts'
import { Confirming } from './delivery/confirming.ts'
import { Control } from './delivery/control.ts'
import { Gathering } from './delivery/gathering.ts'
import { Proving } from './delivery/proving.ts'
import { Sending } from './delivery/sending.ts'
import { Unsubscribing } from './delivery/unsubscribing.ts'
import type { Effect } from './effects.ts'
import type { CoreEvent } from './events.ts'
import { Facts } from './facts.ts'
import type { CoreOptions } from './options.ts'
import type { CoreParts } from './parts.ts'
import { Forgetting } from './record/forgetting.ts'
import { Loading } from './record/loading.ts'
import { Recording } from './record/recording.ts'
import { createRoutes } from './routing.ts'
import { BackPressure } from './stream/back-pressure.ts'
import { Receiving } from './stream/receiving.ts'
import { Truncations } from './stream/truncations.ts'
import { Backfilling } from './table/backfilling.ts'
import { OwedRows } from './table/owed-rows.ts'
import { TableReading } from './table/table-reading.ts'
import { Tickets } from './tickets.ts'
import { type View, viewOf } from './view.ts'

export interface Core {
  /** @throws {Error} if the driver breaks the protocol, such as an answer to a ticket that was never issued. */
  handle(event: CoreEvent, nowMs: number): void
  /** Returns the effects that are enabled now and were not returned before. A second call without an event in between returns none. */
  effects(nowMs: number): Effect[]
  view(nowMs: number): View
  /** Checks every invariant. @throws {Error} for the first that does not hold. */
  assert(): void
}

/** Outcomes that are stored soon, and not with the next regular write. */
const hurries: Readonly<Record<Settled, boolean>> = {
  delivered: true,
  unchanged: false,
  ignored: false,
  'nothing to remove': false,
  'dead letter': true,
  superseded: false,
  owed: false,
}

/**
 * State machine of delivery: receive → coalesce → send → settle → record → acknowledge, without I/O, timers or callbacks to the
 * outside. Each concern is a part of its own. This file routes events to the parts, in one order, and collects their effects.
 */
export function createCore(options: CoreOptions): Core {
  const { stored, source, policy, limits, bounds, runtime } = options
  const { horizon, readLsn } = stored
  const { batchSize } = limits
  const { seed, intervals } = runtime
  const random = seededRandom(seed)
  const facts = new Facts()
  const tickets = new Tickets()
  const context: CoreContext = { tickets, facts, random, intervals }
  const progress = new Progress(stored.checkpointLsn)
  const ledger = new BackfillLedger()
  const truncations = new Truncations({ onTruncate: policy.onTruncate, facts })
  const reload = new Reload({
    quietMs: intervals.reloadQuietMs,
    maxMs: intervals.maxReloadMs,
    emptyMs: intervals.emptyTableMs,
  })
  const confirmDelayMs = Math.max(limits.requestTimeoutMs, 60_000)
  const confirming = new Confirming({ maxWatched: bounds.readBacks, overAfterMs: confirmDelayMs, facts })
  const isAhead = horizon !== null && horizon.commitLsn >= stored.checkpointLsn
  const pending = new Pending({
    ledgers: { stream: progress, backfill: ledger },
    earlier: { horizon: isAhead ? horizon : null, readLsn },
    policy: { ...policy, confirmDelayMs },
    bounds,
    confirming,
    listener: {
      onEndRefused: (rejection) => facts.add({ kind: 'end refused', rejection }),
      onOwed: () => noteOwed(nowMs),
      onSettled: (outcome, { lane, committedAtMs }, rejection) => {
        facts.add({ kind: 'settled', outcome, lane, committedAtMs, rejection, rows: 1 })
        if (hurries[outcome]) recording.hurry()
      },
    },
  })
  const recording = new Recording({ context, progress, pending, backfill: { ledger, truncations }, stored, limits })
  confirming.connect(pending, (atMs) => fetching.isReadable(atMs))
  // An earlier run received everything before the checkpoint.
  pending.passed(stored.checkpointLsn)

  const receiving = new Receiving({ progress, pending, facts, truncations, reload, nearXid: source.nearXid })
  const loading = new Loading(pending, tickets, random)
  const forgetting = new Forgetting(context, {
    readsTell: !source.readsFollowStream,
    runsDone: () => backfilling.done,
  })
  const backfilling = new Backfilling({
    context,
    pending,
    ledger,
    reload,
    isRejecting: () => sending.trouble?.kind === 'rejecting',
    limits,
  })
  const owing = { context, pending, receiving, recording }
  const owedContent = new OwedRows({
    ...owing,
    reasons: ['content', 'confirm'],
    room: {
      get isFree() {
        return backfilling.hasRoomToRepeat
      },
      rows: Number.POSITIVE_INFINITY,
    },
  })
  const owedEnds = new OwedRows({
    ...owing,
    reasons: ['end', 'confirm end'],
    room: {
      get isFree() {
        return backfilling.hasRoomToRepeat && unsubscribing.room > bounds.recordFetches / 2
      },
      get rows() {
        return unsubscribing.room - pending.unsubscriptions
      },
    },
  })
  const owed = [owedContent, owedEnds]
  const noteOwed = (dueAtMs: number) => {
    for (const part of owed) part.owed(dueAtMs, recording.nextWrite)
  }
  const reading = new TableReading({
    context,
    pending,
    order: {
      isSlotGapOpen: source.isSlotGapOpen,
      truncations,
      onMerged: (snapshot) => forgetting.seen(snapshot),
    },
    sources: [...owed, backfilling],
    isFruitless: (atMs) => sending.isFruitless(atMs),
    maxRows: bounds.readRows,
  })
  const unsubscribing: Unsubscribing = new Unsubscribing({
    context,
    pending,
    confirming,
    onOwed: (dueAtMs) => {
      facts.add({ kind: 'rows owed', rows: 1 })
      noteOwed(dueAtMs)
    },
    isReadable: (atMs) => fetching.isReadable(atMs),
    maxFetching: bounds.recordFetches,
  })
  const asking = { proving: new Proving(confirming), control: new Control<readonly Delivery[]>() }
  const { proving, control } = asking
  const sources = [control, proving, confirming, unsubscribing]
  const fetching = new CodeFetching({ tickets, sources, recording, maxInFlight: maxReadsInFlight })

  const gathering = new Gathering({ context, pending, backfilling, unsubscribing, batchSize })
  const sending: Sending = new Sending({ context, pending, gathering, asking, recording, limits })
  let nowMs = 0
  const backPressure = new BackPressure({
    pending,
    sending,
    facts,
    maxUnloaded: bounds.unloaded,
    mayRead: () => reading.mayRead && !source.readsFollowStream,
    onOwed: (delayMs) => noteOwed(nowMs + delayMs),
  })

  let isActive = false
  /** True while the lease of another process lasts. */
  let isWaiting = false
  let isDraining = false
  let isDrained = false
  let wakeAtMs: number | null = null

  function activate(): void {
    const mayWork = isActive && !isDraining
    for (const part of [backfilling, forgetting, ...owed]) part.activate(mayWork)
    // Rule 15: nothing is asked of the API while requests of another process may be applied.
    isWaiting = mayWork && recording.waitsUntilMs(nowMs) !== null
    for (const part of [sending, fetching]) part.activate(mayWork && !isWaiting)
  }

  const parts: CoreParts = {
    pending,
    tickets,
    stream: { receiving, backPressure, truncations },
    table: { reading, backfilling, owed },
    record: { progress, loading, recording, forgetting },
    delivery: { sending, fetching, unsubscribing },
  }
  const working = [
    // Unsubscribing comes before the owed rows: the codes that it drops make room for them without another effect.
    ...[loading, unsubscribing, backfilling, ...owed, reading, fetching],
    ...[sending, backPressure, recording, forgetting],
  ]
  const routes = createRoutes(parts, {
    becameActive: (othersLeaseMs) => {
      isActive = true
      recording.activate(nowMs, othersLeaseMs)
      // This process is the only sender once the lease of another one is over.
      confirming.activate(nowMs + othersLeaseMs)
      activate()
    },
    becameInactive: () => {
      isActive = false
      activate()
    },
    drain: () => {
      isDraining = true
      recording.flush()
      activate()
    },
    woke: () => {
      wakeAtMs = null
    },
  })

  function at(atMs: number): void {
    nowMs = Math.max(nowMs, atMs)
    confirming.at(nowMs)
    progress.at(nowMs)
    if (isWaiting && recording.waitsUntilMs(nowMs) === null) activate()
  }

  function handle<K extends CoreEvent['kind']>(event: Extract<CoreEvent, { kind: K }>, atMs: number): void {
    at(atMs)
    if ('ticket' in event) tickets.redeem(event.ticket)
    const route = routes[event.kind as K]
    route(event, nowMs)
  }

  function effects(atMs: number): Effect[] {
    at(atMs)
    const out: Effect[] = []
    // One part may enable another that was asked before: ask all of them until none adds anything.
    for (let before = -1; before !== out.length + pending.changes; ) {
      before = out.length + pending.changes
      gathering.look(nowMs)
      if (isDraining && sending.requestsInFlight === 0) sending.giveUp()
      for (const part of working) part.effects(nowMs, out)
    }
    if (!facts.isEmpty) out.push({ kind: 'tell', facts: facts.drain() })
    if (isDraining && !isDrained && sending.requestsInFlight === 0 && recording.isIdle(nowMs)) {
      isDrained = true
      out.push({ kind: 'drained' })
    }
    wake(out)
    return out
  }

  /** Requests a tick for the next time at which time alone enables something. */
  function wake(out: Effect[]): void {
    const waiting = [loading, backfilling, owedContent, owedEnds, reading, unsubscribing, confirming, proving]
    const times = [...waiting, gathering, sending, recording, forgetting].map((part) => part.nextAtMs(nowMs))
    const next = times.reduce((a, b) => (a === null || b === null ? (a ?? b) : Math.min(a, b)), null)
    if (next === wakeAtMs) return
    wakeAtMs = next
    out.push({ kind: 'wake at', ms: next })
  }

  function assert(): void {
    pending.assert()
    const { settledLsn, durableLsn, receivedLsn } = progress
    if (durableLsn > settledLsn) throw new Error('the stored position lies past the settled one')
    if (settledLsn > receivedLsn) throw new Error('the settled position lies past the received one')
    if (pending.sentTo && horizon && isAhead && pending.isSendingHeld && comparePositions(pending.sentTo, horizon) > 0)
      throw new Error('something was sent in the hold')
  }

  return { handle, effects, view: (atMs) => viewOf(parts, isActive, atMs), assert }
}
