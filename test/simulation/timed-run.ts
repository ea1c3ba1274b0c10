import type { RecentRequests } from '../../src/checkpoint/rows.ts'
import type { BackfillOptions } from '../../src/connector/backfill.ts'
import { createConfirm } from '../../src/connector/confirm.ts'
import { readAgainMs, type TableReadOptions } from '../../src/connector/table-reads.ts'
import { Confirmations } from '../../src/delivery/confirmations.ts'
import { Dispatcher } from '../../src/delivery/dispatcher.ts'
import { Quota } from '../../src/delivery/quota.ts'
import { pump } from '../../src/lifecycle/pump.ts'
import { WakeUp } from '../../src/lifecycle/wake-up.ts'
import type { Patient } from '../../src/model/patient.ts'
import type { Position } from '../../src/model/position.ts'
import type { DeadLetter } from '../../src/model/stored-row.ts'
import type { Parcel } from '../../src/pending/version.ts'
import { NotedRequests, resumeQuotas } from '../../src/pipeline/recent-requests.ts'
import { at, fingerprint } from '../pending/rows.ts'
import { BrokenConnectionError } from '../pending/simulation/calls.ts'
import { checkStored } from '../pending/simulation/checks.ts'
import { refusal } from '../pending/simulation/contents.ts'
import { sourceModules as modules } from '../pending/simulation/modules.ts'
import { silentLogger, standIn } from '../pending/simulation/stand-in.ts'
import { openStream } from '../pending/simulation/stream.ts'
import { fakeReader, fakeStore, snapshotText } from '../pending/simulation/surroundings.ts'
import type { World } from '../pending/simulation/world.ts'
import type { Api } from './api.ts'
import type { Plan } from './plan.ts'
import { TimedCalls } from './timed-calls.ts'
import type { VirtualClock } from './virtual-clock.ts'

const maxInFlight = 4

/** What the state knows of earlier requests. */
export interface KnownRequests {
  requests: RecentRequests
  atMs: number
}

export interface TimedRunOptions {
  readonly world: World
  readonly clock: VirtualClock
  readonly api: Api
  readonly plan: Plan
  readonly random: () => number
  readonly known: KnownRequests
}

/** One life of the connector, wired as `src/connector.ts` does it, down to its loops, timers and quota. */
export function startRun({ world, clock, api, plan, random, known }: TimedRunOptions) {
  const { profile, state, contents } = world
  const { lsn, horizon, slotGapXid, run } = state
  const { requestsPerMinute, batchSize } = plan
  const calls = new TimedCalls(clock, random, plan.faults > 0 ? 2 : 0)
  const clocks = { monotonicMs: () => clock.nowMs, wallClockMs: () => clock.wallClockMs }
  const quotas = { put: new Quota({ requestsPerMinute, ...clocks }), get: new Quota({ requestsPerMinute, ...clocks }) }
  const { signal } = new AbortController()
  const bells = {
    lookUp: new WakeUp(),
    read: new WakeUp(),
    resolve: new WakeUp(),
    dispatch: new WakeUp(),
    record: new WakeUp(),
  }
  const ringAll = () => {
    for (const bell of [bells.lookUp, bells.dispatch, bells.read, bells.resolve]) bell.ring()
  }
  let received: Position | null = null
  let holdsSlot = false
  let acknowledged = 0n

  const progress = new modules.Progress(at(lsn))
  const confirmations = new Confirmations<Parcel>()
  const ledger = new modules.PassLedger()
  const pending = new modules.Pending({
    debts: progress,
    claims: ledger,
    horizon: horizon && horizon.commitLsn >= at(lsn) ? horizon : null,
    onDelete: profile.onDelete,
    fingerprint,
    confirming: {
      accepted: (parcel, inDoubt) => confirmations.accepted(parcel, inDoubt, clock.nowMs),
      lost: ({ code }) => confirmations.lost(code, clock.nowMs),
      mayRepeat: (code) => confirmations.mayRepeat(code, clock.nowMs),
    },
    onSettled: (outcome, { content }) => {
      if (outcome === 'dead letter' && content.kind === 'invalid') world.isSetAside(contents.madeFrom(content))
      if (outcome === 'delivered' || outcome === 'dead letter') bells.record.ring()
    },
    maxRows: profile.maxRows,
    maxBytes: 1_000_000_000,
  })
  const requests = new NotedRequests(quotas, maxInFlight)
  const recorder = new modules.Recorder({
    requests,
    progress,
    pending,
    pass: ledger,
    horizon: new modules.Horizon({ durable: horizon, received: () => received, readTo: () => pending.readTo }),
    write: (settlement) =>
      requests.note((recent) => {
        const written = () => {
          if (!state.record(run + 1, settlement)) return
          Object.assign(known, { requests: recent, atMs: clock.nowMs })
          checkStored(world)
        }
        return calls.make('record', [written], () => undefined)
      }),
    onDurable: (durable) => {
      // P1: stored first, then acknowledged; each only rises.
      if (durable > BigInt(state.lsn)) world.fail(`P1: ${durable} is acknowledged, ${state.lsn} is stored`)
      if (durable < acknowledged) world.fail(`P1: ${durable} is acknowledged after ${acknowledged}`)
      if (durable > progress.settledLsn) world.fail(`P1: ${durable} is acknowledged, ${progress.settledLsn} is settled`)
      acknowledged = durable
    },
    onTrouble: () => undefined,
    isFatal: () => false,
    wakeUp: bells.record,
    random,
  })
  const stream = openStream({
    world,
    progress,
    pending,
    from: lsn,
    onReceived: (position) => {
      received = position
    },
  })

  const client = { put: api.put.bind(api), get: api.get.bind(api) }
  const store = standIn<TableReadOptions['store']>(fakeStore(world, calls))
  const reader = standIn<BackfillOptions['reader']>(fakeReader(world, calls))
  const mapping = standIn<BackfillOptions['mapping']>(contents)
  const looksAtGap = () => calls.make('gap', [], () => ({ rows: [{ now: snapshotText(world.table.snapshot()) }] }))
  const resources = {
    settings: { mediquo: { requestsPerMinute, batchSize } },
    sourcePool: { query: looksAtGap },
    logger: silentLogger,
    clocks,
    client,
    quotas,
  }
  const given = <T>() => standIn<T>(resources)
  const backfill = modules.createBackfill({
    pending,
    store,
    ledger,
    reader,
    mapping,
    resources: given(),
    isActive: () => holdsSlot,
  })
  const pumps = modules.createPumps({
    ...{ pending, store, bells, signal },
    resources: given(),
    isRecent: (code) => confirmations.isRecent(code, clock.nowMs),
  })
  const read = modules.createTableReads({
    ...{ pending, store, reader, mapping, slotGapXid },
    resources: given(),
    backfill: backfill.step,
    onMerged: () => {
      bells.dispatch.ring()
      bells.resolve.ring()
    },
  })
  const confirm = createConfirm({
    pending,
    confirmations,
    signal,
    resources: given(),
    onSendAgain: () => bells.read.ring(),
  })
  const sendable = () => {
    const { live, backfill: rows } = pending.sendable
    return live === 0 && rows < batchSize && backfill.isFeeding ? 0 : live + rows
  }
  const unexpected = (error: unknown) => {
    if (!(error instanceof BrokenConnectionError)) world.fail(`error: ${error instanceof Error ? error.stack : error}`)
  }
  const dispatcher = new Dispatcher<Parcel>({
    ...{ batchSize, maxInFlight, requestsPerMinute, sendable, random },
    monotonicMs: clocks.monotonicMs,
    pending: {
      take: (limit) => {
        const parcels = pending.take(limit)
        api.taken(parcels)
        return parcels
      },
      accepted: (parcel) => pending.accepted(parcel),
      refused: (parcel: Parcel, letter: DeadLetter) => {
        // P5: bad rows are set aside, and only they.
        if (refusal(parcel.patient) === 'never')
          world.fail(`P5: ${parcel.code} is set aside, and nothing is wrong with it`)
        world.isSetAside({ key: parcel.key, number: world.numberOf(parcel) })
        pending.refused(parcel, letter)
      },
      returned: (parcel) => pending.returned(parcel),
      lost: (parcel) => pending.lost(parcel),
      doubted: (parcel) => pending.doubted(parcel),
    },
    quota: quotas.put,
    put: (patients: readonly Patient[]) => client.put(patients),
    beforeSending: () => recorder.beforeSending(),
    maySend: () => holdsSlot && !progress.transactionOpen,
    wakeUp: bells.dispatch,
    onBatch: ringAll,
    onRejecting: () => undefined,
    onError: unexpected,
  })

  function takeOver(): void {
    const earlier = { recentRequests: known.requests, run: run + 1, ageMs: clock.nowMs - known.atMs }
    state.run = run + 1
    resumeQuotas(quotas, earlier, maxInFlight)
    holdsSlot = true
    ringAll()
  }

  const loop = (wakeUp: WakeUp, work: () => Promise<boolean>, everyMs?: number) =>
    pump({ wakeUp, work, onError: unexpected, ...(everyMs === undefined ? {} : { everyMs }) }, signal)
  const loops = [
    recorder.run(signal),
    dispatcher.run(signal),
    loop(bells.lookUp, pumps.lookUp),
    loop(bells.read, read, readAgainMs),
    loop(bells.resolve, pumps.resolveRemovals, 1_000),
    loop(new WakeUp(), confirm, 1_000),
  ]
  for (const ended of loops) ended.catch(unexpected)
  setTimeout(takeOver, 5)

  return {
    /** The next message of the stream arrives, if there is room. */
    receive(): void {
      if (pending.full) return
      stream.receive()
      ringAll()
    },
    get isBehind(): boolean {
      return !stream.isAtEnd
    },
    get isQuiet(): boolean {
      const waits = pending.waiting.live + pending.waiting.backfill + pending.inFlight + pending.unrecorded
      return (
        holdsSlot &&
        stream.isAtEnd &&
        progress.spans === 0 &&
        waits === 0 &&
        confirmations.watched === 0 &&
        dispatcher.requestsInFlight === 0
      )
    },
    get standing(): string {
      const { waiting, inFlight, unrecorded, sendable: can } = pending
      return JSON.stringify({
        holdsSlot,
        isBehind: !stream.isAtEnd,
        open: progress.transactionOpen,
        spans: progress.spans,
        waiting,
        can,
        inFlight,
        unrecorded,
        watched: confirmations.watched,
        held: pending.held,
        out: dispatcher.requestsInFlight,
        trouble: dispatcher.trouble?.reason,
      })
    },
    /** P8: nothing is left in memory of what is done. */
    get fill(): number {
      return pending.fill
    },
  }
}
export type TimedRun = ReturnType<typeof startRun>
