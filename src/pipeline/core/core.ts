import { BackfillLedger } from '../../backfill/backfill-ledger.ts'
import { Progress } from '../../checkpoint/progress.ts'
import { seededRandom } from '../../model/seeded-random.ts'
import { comparePositions } from '../../model/source/position.ts'
import type { Settled } from '../../pending/entry/settled-row.ts'
import { Pending } from '../../pending/pending.ts'
import { CodeFetching } from './delivery/code-fetching.ts'
import { Confirming } from './delivery/confirming.ts'
import { Gathering } from './delivery/gathering.ts'
import { Sending } from './delivery/sending.ts'
import { Unsubscribing } from './delivery/unsubscribing.ts'
import type { Effect } from './effects.ts'
import type { CoreEvent } from './events.ts'
import { Facts } from './facts.ts'
import type { CoreOptions } from './options.ts'
import { Loading } from './record/loading.ts'
import { Recording } from './record/recording.ts'
import { createRoutes } from './routing.ts'
import { BackPressure } from './stream/back-pressure.ts'
import { Receiving } from './stream/receiving.ts'
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

/** Maximum number of concurrent requests that read patients back. */
const maxFetches = 8

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
  const { bounds, batchSize, requestsPerMinute, maxInFlight } = options
  const random = seededRandom(options.seed)
  const facts = new Facts()
  const tickets = new Tickets()
  const progress = new Progress(options.checkpointLsn)
  const ledger = new BackfillLedger()
  const confirmDelayMs = Math.max(options.requestTimeoutMs, 60_000)
  const confirming = new Confirming({ maxWatched: bounds.readBacks, overAfterMs: confirmDelayMs, facts })
  const isAhead = options.horizon !== null && options.horizon.commitLsn >= options.checkpointLsn
  const pending = new Pending({
    debts: progress,
    backfillDebts: ledger,
    confirming,
    horizon: isAhead ? options.horizon : null,
    readLsn: options.readLsn,
    onDelete: options.onDelete,
    fingerprint: options.fingerprint,
    confirmDelayMs,
    maxRows: bounds.rows,
    maxBytes: bounds.bytes,
    maxUnsubscriptions: bounds.unsubscriptions,
    maxMarks: bounds.marks,
    onSettled: (outcome, { lane, committedAtMs }, rejection) => {
      facts.add({ kind: 'settled', outcome, lane, committedAtMs, rejection, rows: 1 })
      if (hurries[outcome]) recording.hurry()
    },
  })
  const recording = new Recording({
    progress,
    pending,
    ledger,
    tickets,
    random,
    horizon: options.horizon,
    readLsn: options.readLsn,
    maxUnnotedRequests: maxInFlight,
    onStored: (rows) => unsubscribing.stored(rows),
  })
  confirming.connect(pending)
  // An earlier run received everything before the checkpoint.
  pending.passed(options.checkpointLsn)

  const receiving = new Receiving({ progress, pending, facts, nearXid: options.nearXid })
  const openCommitLsn = () => receiving.openCommitLsn
  const loading = new Loading(pending, tickets, random)
  const backfilling = new Backfilling({
    pending,
    ledger,
    tickets,
    facts,
    random,
    isRejecting: () => sending.trouble?.kind === 'rejecting',
    batchSize,
    requestsPerMinute,
  })
  const isStored = (write: number) => recording.isStored(write)
  const owed = { pending, tickets, random, openCommitLsn, isStored }
  const owedContent = new OwedRows({
    ...owed,
    reasons: ['content', 'confirm'],
    hasRoom: () => backfilling.hasRoomToRepeat,
    room: () => Number.POSITIVE_INFINITY,
  })
  const owedEnds = new OwedRows({
    ...owed,
    reasons: ['end'],
    hasRoom: () => backfilling.hasRoomToRepeat && unsubscribing.room > bounds.recordFetches / 2,
    room: () => unsubscribing.room - pending.unsubscriptions,
  })
  const noteOwed = (dueAtMs: number) => {
    owedContent.owed(dueAtMs, recording.nextWrite)
    owedEnds.owed(dueAtMs, recording.nextWrite)
  }
  const reading = new TableReading({
    pending,
    tickets,
    facts,
    random,
    sources: [owedContent, owedEnds, backfilling],
    isFruitless: (atMs) => sending.isFruitless(atMs),
    isSlotGapOpen: options.isSlotGapOpen,
    maxRows: bounds.readRows,
  })
  const unsubscribing: Unsubscribing = new Unsubscribing({
    pending,
    tickets,
    random,
    recentUntilMs: (code) => confirming.recentUntilMs(code),
    onOwed: (dueAtMs) => {
      facts.add({ kind: 'rows owed', rows: 1 })
      noteOwed(dueAtMs)
    },
    maxFetching: bounds.recordFetches,
  })
  const fetching = new CodeFetching({ tickets, sources: [confirming, unsubscribing], maxInFlight: maxFetches })

  const gathering = new Gathering({ pending, backfilling, unsubscribing, batchSize })
  const sending: Sending = new Sending({
    pending,
    recording,
    tickets,
    facts,
    random,
    sendable: (atMs) => gathering.sendable(atMs),
    batchSize,
    maxInFlight,
    requestsPerMinute,
  })
  let nowMs = 0
  const backPressure = new BackPressure({
    pending,
    facts,
    maxUnloaded: bounds.unloaded,
    mayRead: () => reading.mayRead && !options.readsFollowStream,
    isSending: () => sending.isUnderWay,
    refusedAlike: () => sending.refusedAlike,
    onOwed: (delayMs) => noteOwed(nowMs + delayMs),
  })

  let isActive = false
  let isDraining = false
  let isDrained = false
  let wakeAtMs: number | null = null

  function activate(): void {
    const mayWork = isActive && !isDraining
    for (const part of [sending, fetching, backfilling, owedContent, owedEnds]) part.activate(mayWork)
  }

  const parts = {
    pending,
    progress,
    tickets,
    receiving,
    loading,
    reading,
    backfilling,
    owedContent,
    owedEnds,
    unsubscribing,
    fetching,
    sending,
    recording,
    backPressure,
  }
  const working = [
    // Unsubscribing comes before the owed rows: the codes that it drops make room for them without another effect.
    ...[loading, unsubscribing, backfilling, owedContent, owedEnds, reading, fetching],
    ...[sending, backPressure, recording],
  ]
  const routes = createRoutes(parts, {
    setActive: (isActiveNow) => {
      isActive = isActiveNow
      if (isActive) recording.activate(nowMs)
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
    if (isDraining && !isDrained && sending.requestsInFlight === 0 && recording.isIdle) {
      isDrained = true
      out.push({ kind: 'drained' })
    }
    wake(out)
    return out
  }

  /** Requests a tick for the next time at which time alone enables something. */
  function wake(out: Effect[]): void {
    const waiting = [loading, backfilling, owedContent, owedEnds, reading, unsubscribing, confirming]
    const times = [...waiting, gathering, sending, recording].map((part) => part.nextAtMs(nowMs))
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
    const { horizon } = options
    if (pending.sentTo && horizon && isAhead && pending.isSendingHeld && comparePositions(pending.sentTo, horizon) > 0)
      throw new Error('something was sent in the hold')
  }

  return { handle, effects, view: (atMs) => viewOf(parts, isActive, atMs), assert }
}
