import { aborted, sharedAbort } from '../lifecycle/abort.ts'
import { wait } from '../lifecycle/wait.ts'
import { endsPipeline } from '../model/failure/failure.ts'
import { kindOf } from '../model/failure/kind-of.ts'
import type { WalEvent } from '../model/source/change.ts'
import type { Lsn } from '../model/source/lsn.ts'
import type { Snapshot } from '../model/source/visibility.ts'
import { unreachable } from '../model/unreachable.ts'
import { readSlotHealth, slotTroubleError, slotTroubleOf } from '../source/slot/slot-health.ts'
import { followWal, type StreamState } from '../source/stream/follow-wal.ts'
import type { StreamSession } from '../source/stream/stream-session.ts'
import { TableReader } from '../source/table/table-reader.ts'
import { createFingerprint } from '../startup/fingerprint.ts'
import type { Prepared } from '../startup/prepare.ts'
import type { Resources } from '../startup/resources.ts'
import { reconcileMapping } from '../startup/schema/reconcile-mapping.ts'
import { schemaChangeOf } from '../startup/schema/schema-change.ts'
import type { Effect } from './core/effects.ts'
import { type CoreOptions, defaultBounds } from './core/options.ts'
import type { View } from './core/view.ts'
import { createDriver } from './driver.ts'
import { readGates } from './read-gates.ts'
import { resumeQuotas, type WrittenRuns } from './recent-requests.ts'
import { createReport, type Tally } from './report.ts'
import { createChangeMapper } from './row-mapping.ts'
import { createSampling } from './sampling.ts'
import { openSession, serverStartedAt } from './session.ts'
import { createSlotGapCheck } from './slot-gap.ts'
import { tracedCore } from './trace-file.ts'

/** Time that requests in flight have to end when the connector stops, milliseconds. */
const drainMs = 8_000

export interface PipelineControl {
  /** Requests draining: nothing new is sent; what is in flight is settled and stored. */
  readonly drain: AbortSignal
  readonly onStream: (state: StreamState) => void
  readonly tally: Tally
  readonly written: WrittenRuns
  /** Notes how each effect that uses a database has ended. */
  readonly database: {
    succeeded(effect: Effect['kind']): void
    failed(effect: Effect['kind'], error: unknown): void
  }
}

/** A running pipeline, for the status and for disconnecting from a server that shuts down. */
export type Pipeline = ReturnType<typeof createPipeline>

/**
 * One life of the pipeline: the core, the driver that executes its effects, and the replication connection that feeds it. It
 * survives reconnections. `run` resolves after draining, and rejects with a failure that the pipeline cannot fix itself.
 */
export function createPipeline(resources: Resources, prepared: Prepared, control: PipelineControl) {
  const { settings, source, api, telemetry, runtime } = resources
  const { store } = resources.state
  const { logger } = telemetry
  const { clocks } = runtime
  const { checkpoint, mapping, server } = prepared
  const broken = new AbortController()
  const abandon = sharedAbort()
  const drained = new AbortController()
  let session: StreamSession | null = null
  /** Number of replication connections so far: a take-over belongs to one of them. */
  let connections = 0
  /** Take-overs, one after the other. */
  let takingOver: Promise<void> = Promise.resolve()
  let isActive = false
  let epoch = checkpoint.epoch

  const fingerprint = createFingerprint(settings, checkpoint, mapping)
  const options: CoreOptions = {
    stored: { checkpointLsn: checkpoint.lsn, horizon: checkpoint.horizon, readLsn: checkpoint.readLsn },
    source: {
      isSlotGapOpen: checkpoint.slotGapXid !== null,
      readsFollowStream: server.isStandby,
      nearXid: server.snapshotXmax,
    },
    policy: { onDelete: settings.source.onDelete, onTruncate: settings.source.onTruncate, fingerprint },
    limits: settings.mediquo.limits,
    bounds: defaultBounds,
    runtime: { intervals: runtime.intervals.core, seed: Math.floor(Math.random() * 2 ** 32) },
  }
  const core = tracedCore(telemetry.traceFile, options, (error) =>
    logger.warn({ error }, 'the trace cannot be written'),
  )
  const view = (): View => core.view(clocks.monotonicMs())
  const { isStoreOnServer } = prepared
  const receivedLsn = () => view().receivedLsn
  const gates = readGates({ isStandby: server.isStandby, isStoreOnServer, receivedLsn }, abandon.signal)
  const reader = new TableReader(source.pool, prepared.table.readable, gates)
  const report = createReport(resources, control.tally)
  const slotGapIsClosed = createSlotGapCheck({ sourcePool: source.pool, store, gapXid: checkpoint.slotGapXid })

  /** Ends the pipeline with a failure that it cannot fix itself. */
  function breakOff(error: unknown): void {
    isActive = false
    broken.abort(error)
  }

  const driver = createDriver(
    core,
    { store, reader, mapping, api, clocks, slotGapIsClosed },
    {
      acknowledge: () => session?.acknowledge(),
      pause: () => session?.pause(),
      resume: () => session?.resume(),
      tell: report.tell,
      drained: () => drained.abort(),
      onEnd: (effect, failure) => {
        if (failure === null) control.database.succeeded(effect)
        else failed(effect === 'read rows' ? schemaChangeOf(failure.error) : failure.error, effect)
      },
    },
    abandon.signal,
  )

  function failed(error: unknown, effect: Effect['kind']): void {
    control.database.failed(effect, error)
    if (endsPipeline(kindOf(error))) breakOff(error)
    else if (effect === 'record') logger.error({ error }, 'the state cannot be written, trying again')
    else logger.warn({ error }, 'a look-up failed, trying again')
  }

  const mapChange = createChangeMapper({
    table: prepared.table.streamed,
    mapping,
    tolerated: prepared.table.toleratedLsn,
  })
  /** Commit LSN of the transaction that is being received. */
  let commitLsn: Lsn = checkpoint.lsn

  /** Maps a WAL event and passes it to the core. */
  function receive(event: WalEvent): void {
    switch (event.kind) {
      case 'change': {
        const rows = mapChange(event.change, commitLsn, event.bytes)
        driver.handle({ kind: 'wal', wal: { kind: 'change', operation: event.change.operation, rows } })
        return
      }
      case 'begin':
        commitLsn = event.commitLsn
        driver.handle({ kind: 'wal', wal: event })
        return
      case 'truncate':
        // The publication may have other tables, which the statement names too.
        if (event.relations.some(({ oid }) => oid === prepared.table.streamed.oid))
          driver.handle({ kind: 'wal', wal: { kind: 'truncate' } })
        return
      case 'commit':
      case 'keepalive':
        driver.handle({ kind: 'wal', wal: event })
        return
      default:
        unreachable(event)
    }
  }

  // verify: reads a few delivered rows back per minute, in the background
  const sample = createSampling({
    reader,
    mapping,
    fingerprint,
    resources,
    core: { view },
    isActive: () => isActive && !control.drain.aborted,
  })

  /** Becomes the only writer while holding the slot. Rejects if another instance has written since the checkpoint was read. */
  async function takeOver(connection: number): Promise<void> {
    if (connection !== connections) return
    const taken = await store.takeOver(epoch === checkpoint.epoch ? checkpoint : null)
    // Another process may have sent something in between, even if this one had a pipeline before: it may have stood by.
    if (control.written.last !== epoch) resumeQuotas(api.quotas, taken, settings.mediquo.limits.maxInFlight)
    control.written.last = taken.epoch
    epoch = taken.epoch
    await reconcileMapping(resources, mapping)
    // The connection was lost in the meantime: another instance may use the slot.
    if (connection !== connections) return
    isActive = true
    const othersLeaseMs = Math.max(taken.othersLeaseMs, control.written.outUntilMs - clocks.monotonicMs(), 0)
    if (othersLeaseMs > 0) {
      const until = new Date(clocks.wallClockMs() + othersLeaseMs)
      logger.info({ until, seconds: Math.ceil(othersLeaseMs / 1000) }, 'waiting for the lease of the instance before')
    }
    control.onStream({ kind: 'streaming' })
    driver.handle({ kind: 'stream active', othersLeaseMs })
  }

  async function newSession(signal: AbortSignal): Promise<StreamSession> {
    // Check the slot before the server is told a position: the position may come from another server.
    const { durableLsn: writtenLsn } = view()
    const health = await readSlotHealth(source.pool, settings.source)
    const durableLsn = epoch === checkpoint.epoch ? null : view().durableLsn
    const trouble = slotTroubleOf(health, { ...server, writtenLsn, durableLsn })
    if (trouble) throw slotTroubleError(trouble, settings.source.slot)
    const connection = ++connections
    const opened = await openSession(resources, {
      signal,
      // A transform may read any column.
      columns: settings.transform === null ? new Set(prepared.table.streamed.types.keys()) : 'all',
      consumer: {
        durableLsn: () => view().durableLsn,
        onStart: () => {
          takingOver = takingOver
            .then(() => takeOver(connection))
            .catch((error: unknown) => {
              if (endsPipeline(kindOf(error))) breakOff(error)
              else if (connection === connections) opened.close('silent')
            })
        },
        receive,
      },
    })
    session = opened
    driver.handle({ kind: 'stream opened' })
    return opened
  }

  function lost(): void {
    connections++
    if (!isActive) return
    isActive = false
    driver.handle({ kind: 'stream lost' })
  }

  async function untilDrained(): Promise<void> {
    const stop = new AbortController()
    const following = followWal({
      newSession: () => newSession(stop.signal),
      wasHealthy: () => isActive,
      onState: (state) => {
        if (state.kind !== 'streaming') lost()
        control.onStream(state)
      },
      serverStartedAt: () => serverStartedAt(resources),
      signal: stop.signal,
      random: Math.random,
    }).catch(breakOff)
    const sampling = sample(abandon.signal)

    await aborted(AbortSignal.any([control.drain, broken.signal]))
    // Drain in order: the requests, then what they settled, then the last acknowledgement.
    driver.handle({ kind: 'drain' })
    const ended = AbortSignal.any([drained.signal, broken.signal])
    await wait(drainMs, ended)
    // Requests without an answer by now are given up; what they settled is stored.
    abandon.abort()
    if (!broken.signal.aborted) await wait(drainMs, ended)
    await driver.stop()
    control.written.outUntilMs = clocks.monotonicMs() + view().requestsOutMs
    await sampling
    stop.abort()
    await following
    if (broken.signal.aborted) throw broken.signal.reason
  }

  return {
    run: untilDrained,
    breakOff,
    /** Closes the replication connection: either the server waits for it to shut down, or the connection is dead. */
    disconnect: (end: 'released' | 'silent') => session?.close(end),
    /** Takes a recent snapshot of the source. */
    sawSnapshot: ({ xmin, xmax }: Pick<Snapshot, 'xmin' | 'xmax'>) =>
      driver.handle({ kind: 'xid seen', xid: xmax, xmin }),
    view,
    /** Rule 15: the reason why nothing is sent yet; null if this instance need not wait. */
    get waitReason(): string | null {
      const { othersLeaseMs } = view()
      if (othersLeaseMs === 0) return null
      const until = new Date(clocks.wallClockMs() + othersLeaseMs).toISOString().slice(11, 19)
      return `waits until ${until} UTC for the lease of the instance before`
    },
    /** The last backfill run that this pipeline has completed. */
    get lastBackfill() {
      return report.lastBackfill
    },
    /** Returns true if rows could be sent, nothing prevents it, and no request is in flight. */
    isStuck: () => {
      const { sendable, isSendingHeld, othersLeaseMs, requestsInFlight, trouble } = view()
      return (
        isActive &&
        !isSendingHeld &&
        othersLeaseMs === 0 &&
        sendable.live + sendable.backfill > 0 &&
        requestsInFlight === 0 &&
        trouble === null
      )
    },
  }
}
