import { PassLedger } from './backfill/pass-ledger.ts'
import { Horizon } from './checkpoint/horizon.ts'
import { Progress } from './checkpoint/progress.ts'
import { Recorder } from './checkpoint/recorder.ts'
import { FencedError } from './checkpoint/store.ts'
import { createBackfill } from './connector/backfill.ts'
import { createChangeMapper } from './connector/changes.ts'
import { createConfirm } from './connector/confirm.ts'
import { createPumps } from './connector/pumps.ts'
import { createSampling } from './connector/sampling.ts'
import { isFatal, openSession, serverStartedAt } from './connector/session.ts'
import { streamPassed } from './connector/stream-passed.ts'
import { createTableReads, readAgainMs } from './connector/table-reads.ts'
import { Confirmations } from './delivery/confirmations.ts'
import { Dispatcher } from './delivery/dispatcher.ts'
import { aborted } from './lifecycle/aborted.ts'
import { pump } from './lifecycle/pump.ts'
import { sharedAbort } from './lifecycle/shared-abort.ts'
import { wait } from './lifecycle/wait.ts'
import { WakeUp } from './lifecycle/wake-up.ts'
import type { PatientCode } from './model/patient.ts'
import type { Position } from './model/position.ts'
import { Pending } from './pending/pending.ts'
import type { Parcel } from './pending/version.ts'
import { NotedRequests, resumeQuotas, type WrittenRuns } from './pipeline/recent-requests.ts'
import { countBatch, countSettled, type Tally } from './pipeline/report.ts'
import { followWal, type StreamState } from './source/follow-wal.ts'
import { readSlotHealth, SlotTroubleError, slotTroubleOf } from './source/slot-health.ts'
import type { StreamSession } from './source/stream-session.ts'
import { TableReader } from './source/table-reader.ts'
import { TransactionReader } from './source/transaction-reader.ts'
import { createFingerprint } from './startup/fingerprint.ts'
import type { Prepared } from './startup/prepare.ts'
import type { Resources } from './startup/resources.ts'

/** What may wait in memory; past it the stream is paused and its changes stay in the server's WAL. */
const bounds = { maxRows: 20_000, maxBytes: 32 * 1024 * 1024 }
/** A transaction's rows leave after its commit has arrived, so that nobody sees half of it; unless it is larger than this. */
const rowsOfOpenTransaction = 5_000
/** How long requests in flight may take to end when the connector stops, milliseconds. */
const drainMs = 8_000

export interface PipelineControl {
  /** Drain: nothing new is sent, what is in flight is settled and stored. */
  readonly drain: AbortSignal
  readonly onStream: (state: StreamState) => void
  readonly tally: Tally
  readonly written: WrittenRuns
}

/** A running pipeline, for the status and for letting go of a server that shuts down. */
export type Pipeline = ReturnType<typeof createPipeline>

/**
 * One life of the pipeline: receive → decode → map → coalesce → dispatch → deliver → settle → checkpoint → acknowledge.
 * It outlives reconnections. `run` ends when it has drained, and rejects with what it cannot mend itself.
 */
export function createPipeline(resources: Resources, prepared: Prepared, control: PipelineControl) {
  const { settings, store, quotas, client, clocks, metrics, logger, sourcePool } = resources
  const { checkpoint, mapping } = prepared
  const bells = {
    lookUp: new WakeUp(),
    read: new WakeUp(),
    resolve: new WakeUp(),
    dispatch: new WakeUp(),
    record: new WakeUp(),
  }
  const broken = new AbortController()
  const abandon = sharedAbort()
  let received: Position | null = null
  let session: StreamSession | null = null
  let holdsSlot = false
  let run = checkpoint.run

  // settle: debts of transactions, the longest settled prefix
  const progress = new Progress(checkpoint.lsn)
  const fingerprint = createFingerprint(settings, checkpoint, mapping)

  // what the API accepted and must be seen to have
  const confirmations = new Confirmations<Parcel>()
  const confirming = {
    accepted: (parcel: Parcel, inDoubt: boolean) => confirmations.accepted(parcel, inDoubt, clocks.monotonicMs()),
    lost: ({ code }: Parcel) => confirmations.lost(code, clocks.monotonicMs()),
    mayRepeat: (code: PatientCode) => confirmations.mayRepeat(code, clocks.monotonicMs()),
  }

  // coalesce: one entry a row, newest wins
  const ledger = new PassLedger()
  const pending = new Pending({
    ...bounds,
    debts: progress,
    claims: ledger,
    confirming,
    horizon: checkpoint.horizon && checkpoint.horizon.commitLsn >= checkpoint.lsn ? checkpoint.horizon : null,
    onDelete: settings.source.onDelete,
    fingerprint,
    onSettled: (outcome, version) => {
      countSettled(metrics, control.tally, outcome, version, clocks.wallClockMs())
      if (outcome === 'delivered' || outcome === 'dead letter') bells.record.ring()
    },
  })

  // receive, map
  const mapChange = createChangeMapper({ table: prepared.expected, mapping, tolerated: prepared.toleratedLsn })
  const transactions = new TransactionReader({
    arrivals: progress,
    nearXid: prepared.nearXid,
    onChange: (placed) => {
      metrics.received[placed.change.operation]++
      for (const change of mapChange(placed)) pending.streamed(change)
      received = placed.position
      bells.lookUp.ring()
    },
    onTruncate: () => {
      metrics.truncatesIgnored.inc()
      logger.warn('TRUNCATE is never propagated: the patients stay at mediQuo')
    },
  })

  // checkpoint, acknowledge
  const requests = new NotedRequests(quotas, settings.mediquo.maxInFlight)
  const recorder = new Recorder({
    progress,
    pending,
    pass: ledger,
    horizon: new Horizon({ durable: checkpoint.horizon, received: () => received, readTo: () => pending.readTo }),
    wakeUp: bells.record,
    random: Math.random,
    isFatal,
    requests,
    write: (settlement) => requests.note((recentRequests) => store.record({ ...settlement, recentRequests })),
    onDurable: () => {
      session?.acknowledge()
      session?.resumeIfRoom()
    },
    onTrouble: (error) => logger.error({ error }, 'the state cannot be written, trying again'),
  })

  /** Rows of the backfill leave in full batches while more of them are on their way: a live change always leaves. */
  const sendable = () => {
    const { live, backfill: read } = pending.sendable
    return live === 0 && read < settings.mediquo.batchSize && backfill.isFeeding ? 0 : live + read
  }

  // dispatch, deliver
  const dispatcher = new Dispatcher<Parcel>({
    ...settings.mediquo,
    ...clocks,
    pending,
    sendable,
    quota: quotas.put,
    wakeUp: bells.dispatch,
    random: Math.random,
    beforeSending: () => recorder.beforeSending(),
    maySend: () =>
      holdsSlot && (!progress.transactionOpen || pending.full || pending.waiting.live >= rowsOfOpenTransaction),
    put: (patients) => client.put(patients, abandon.signal),
    onBatch: (batch, outcome) => {
      countBatch(metrics, logger, control.tally, batch, outcome)
      for (const bell of [bells.lookUp, bells.read, bells.resolve]) bell.ring()
      session?.resumeIfRoom()
    },
    onRejecting: (status) =>
      logger.error({ status }, 'sending halted: the API refuses every patient alike, trying again'),
    onError: (error) => (isFatal(error) ? broken.abort(error) : logger.error({ error }, 'batch could not be sent')),
  })
  const { signal } = abandon
  const isRecent = (code: PatientCode) => confirmations.isRecent(code, clocks.monotonicMs())
  const pumps = createPumps({ pending, store, resources, bells, signal, isRecent })
  const confirm = createConfirm({ pending, confirmations, resources, signal, onSendAgain: () => bells.read.ring() })

  // read the table: for single rows, and for the backfill
  const passed = prepared.server.isStandby ? streamPassed(progress, signal) : null
  const reader = new TableReader(sourcePool, prepared.readable, passed)
  const isActive = () => holdsSlot && !control.drain.aborted
  const backfill = createBackfill({ pending, store, ledger, reader, mapping, resources, isActive })
  const readTable = createTableReads({
    pending,
    store,
    reader,
    mapping,
    resources,
    slotGapXid: checkpoint.slotGapXid,
    backfill: backfill.step,
    onMerged: () => {
      for (const bell of [bells.dispatch, bells.resolve]) bell.ring()
    },
  })

  // verify: a few delivered rows a minute, beside everything else
  const sample = createSampling({ store, reader, mapping, fingerprint, resources, pending, progress, isActive })

  /** Holding the slot, becomes the only writer; rejects if another instance wrote since the checkpoint was read. */
  async function takeOver(): Promise<void> {
    const taken = await store.takeOver()
    if (taken.run !== run + 1) throw new FencedError('another instance has taken over')
    // While this one stood by, the other went on under the same run: what is in memory is of before.
    if (
      run === checkpoint.run &&
      (taken.lsn !== checkpoint.lsn || taken.horizon?.commitLsn !== checkpoint.horizon?.commitLsn)
    )
      throw new FencedError('the state has moved on since it was read')
    // Another process may have sent something in between, though this one had a pipeline before: it may have stood by.
    if (control.written.last !== run) resumeQuotas(quotas, taken, settings.mediquo.maxInFlight)
    control.written.last = taken.run
    run = taken.run
    holdsSlot = true
    control.onStream({ kind: 'streaming' })
    bells.dispatch.ring()
  }

  async function newSession(signal: AbortSignal): Promise<StreamSession> {
    // Before the server is told a position that may be none of its own.
    const writtenLsn = progress.durableLsn
    const health = await readSlotHealth(sourcePool, settings.source)
    const durableLsn = run === checkpoint.run ? null : progress.durableLsn
    const trouble = slotTroubleOf(health, { ...prepared.server, writtenLsn, durableLsn })
    if (trouble) throw new SlotTroubleError(trouble, settings.source.slot)
    session = await openSession(resources, {
      // A transform may read any column.
      columns: settings.transform === null ? new Set(prepared.expected.types.keys()) : 'all',
      signal,
      durableLsn: () => progress.durableLsn,
      hasRoom: () => !pending.full,
      onStart: () =>
        void takeOver().catch((error: unknown) => (isFatal(error) ? broken.abort(error) : session?.close('silent'))),
      receive: (event) => {
        transactions.receive(event)
        if (event.kind !== 'commit' && event.kind !== 'keepalive') return
        pending.passed(progress.receivedLsn)
        for (const bell of [bells.dispatch, bells.read, bells.resolve]) bell.ring()
      },
    })
    return session
  }

  async function untilDrained(): Promise<void> {
    const ending = AbortSignal.any([control.drain, broken.signal])
    const stop = { dispatch: sharedAbort(), record: new AbortController(), follow: new AbortController() }
    const breaks = (error: unknown) => {
      holdsSlot = false
      broken.abort(error)
    }
    const onError = (error: unknown) =>
      isFatal(error) ? breaks(error) : logger.warn({ error }, 'a look-up failed, trying again')
    const following = followWal({
      newSession: () => newSession(stop.follow.signal),
      wasHealthy: () => holdsSlot,
      onState: (state) => {
        if (state.kind !== 'streaming') holdsSlot = false
        control.onStream(state)
      },
      serverStartedAt: () => serverStartedAt(resources),
      isFatal,
      signal: stop.follow.signal,
      random: Math.random,
    }).catch(breaks)
    const recording = recorder.run(stop.record.signal).catch(breaks)
    const dispatching = dispatcher.run(stop.dispatch.signal)
    const pumping = [
      pump({ wakeUp: bells.lookUp, work: pumps.lookUp, onError }, stop.dispatch.signal),
      pump({ wakeUp: bells.read, work: readTable, onError, everyMs: readAgainMs }, stop.dispatch.signal),
      pump({ wakeUp: bells.resolve, work: pumps.resolveRemovals, onError, everyMs: 1_000 }, stop.dispatch.signal),
      pump({ wakeUp: new WakeUp(), work: confirm, onError, everyMs: 1_000 }, stop.dispatch.signal),
      sample(stop.dispatch.signal),
    ]

    await aborted(ending)
    // Drain: first the requests, then what they settled, then the last acknowledgement.
    stop.dispatch.abort()
    const late = new AbortController()
    await Promise.race([dispatching, wait(drainMs, AbortSignal.any([broken.signal, late.signal]))])
    late.abort()
    abandon.abort()
    await Promise.all([dispatching, ...pumping])
    stop.record.abort()
    await recording
    if (!broken.signal.aborted) await recorder.flush().catch(onError)
    stop.follow.abort()
    await following
    if (broken.signal.aborted) throw broken.signal.reason
  }

  /** Something could be sent, nothing is in the way, and nothing is under way. */
  const isStuck = () => holdsSlot && sendable() > 0 && dispatcher.requestsInFlight === 0 && dispatcher.trouble === null

  return {
    run: untilDrained,
    /** Ends it with a failure that it cannot see itself. */
    breakOff: (error: unknown) => broken.abort(error),
    letGo: () => session?.close('let go'),
    transactions,
    isStuck,
    progress,
    pending,
    dispatcher,
    backfill,
  }
}
