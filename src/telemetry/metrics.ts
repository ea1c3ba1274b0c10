import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { RaisedProblem } from '../model/problem/problem.ts'
import { problemCatalog, problemKinds } from '../model/problem/problem-kind.ts'
import { type Lane, lanes } from '../model/progress/lane.ts'
import type { DeadLetterReason } from '../model/progress/stored-row.ts'
import type { Change } from '../model/source/change.ts'
import { type ConnectorState, connectorStates, type DeliveryTrouble, deliveryTroubles } from '../model/status/status.ts'
import { RecentDurations } from './recent-durations.ts'

/** Sources of the gauges' values at scrape time. */
export interface GaugeSources {
  readonly pending: (lane: Lane) => number
  readonly inFlightRequests: () => number
  readonly deadLetters: () => number
  readonly replicationLagBytes: () => number
  readonly slotRetainedBytes: () => number
  /** Infinite: no limit. */
  readonly slotSafeBytes: () => number
  /** NaN: not known. */
  readonly slotRetainedBytesPerSecond: () => number
  /** Infinite: no loss is expected. */
  readonly slotSecondsUntilLost: () => number
  /** NaN: not known. */
  readonly secondsToDrain: () => number
  readonly oldestUnsettledSeconds: () => number
  readonly rateLimitRemaining: () => number
  readonly backfillProgress: () => number
  readonly backfillMark: () => number
  readonly driftRatio: () => number
  /** Codes that several rows share, among those that changed since the start. */
  readonly sharedCodes: () => number
  readonly ready: () => boolean
  /** False once the process is stuck. */
  readonly healthy: () => boolean
  readonly state: () => ConnectorState
  readonly trouble: () => DeliveryTrouble | null
  readonly problems: () => readonly RaisedProblem[]
}

/** Counter whose labels have only the values of closed lists. */
interface Counted<Labels> {
  inc(labels: Labels, count?: number): void
}

export type Metrics = ReturnType<typeof createMetrics>

/** Creates every metric of the connector, with its name and meaning. No label contains a value of a row. */
export function createMetrics(version: string) {
  const registry = new Registry()
  const registers = [registry]
  const counter = <L extends string = never>(name: string, help: string, labelNames: L[] = []) =>
    new Counter({ name: `mediquo_cdc_${name}`, help, labelNames, registers })
  const histogram = <L extends string = never>(name: string, help: string, buckets: number[], labelNames: L[] = []) =>
    new Histogram({ name: `mediquo_cdc_${name}`, help, buckets, labelNames, registers })
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `mediquo_cdc_${name}`,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  new Gauge({ name: 'mediquo_cdc_build_info', help: 'The version that runs', labelNames: ['version'], registers })
    .labels(version)
    .set(1)
  const received: Record<Change['operation'], number> = { insert: 0, update: 0, delete: 0 }
  new Counter({
    name: 'mediquo_cdc_changes_received_total',
    help: 'Row changes received from the stream',
    labelNames: ['operation'],
    registers,
    collect() {
      this.reset()
      for (const [operation, count] of Object.entries(received)) this.inc({ operation }, count)
    },
  })
  const patientsDelivered: Counted<{ readonly lane: Lane }> = counter(
    'patients_delivered_total',
    'Patients that the API accepted',
    ['lane'],
  )
  const deadLettered: Counted<{ readonly reason: DeadLetterReason }> = counter(
    'dead_lettered_total',
    'Rows rejected to a dead letter',
    ['reason'],
  )
  return {
    registry,
    /** Counts here and passes the values on at scrape time: prom-client's look-up of a label is too slow for every change. */
    received,
    patientsDelivered,
    patientsUnchanged: counter(
      'patients_unchanged_total',
      'Changes that needed no request: the API has just this already',
    ),
    requests: counter('requests_total', 'Requests made to the API', ['endpoint', 'status']),
    retries: counter('retries_total', 'Requests whose patients are sent again', ['reason']),
    deadLettered,
    deletesIgnored: counter('deletes_ignored_total', 'Deleted rows that were not propagated'),
    verified: counter('verified_total', 'Delivered rows that were read back and compared', ['result']),
    truncatesIgnored: counter('truncates_ignored_total', 'TRUNCATEs, which are never propagated'),
    commitToDelivery: histogram(
      'commit_to_delivery_seconds',
      "From a row's commit to the API's acceptance, by the two machines' clocks",
      [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800],
    ),
    /** The same durations for the page, since they were last taken. */
    recentDeliveries: new RecentDurations(),
    requestDuration: histogram(
      'request_duration_seconds',
      'How long the API took to answer',
      [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      ['endpoint'],
    ),
    batchPatients: histogram('batch_patients', 'Patients in a request', [1, 2, 5, 10, 25, 50, 75, 100]),
    /** Registers the gauges. They read the pipeline at scrape time, if there is one. */
    observe(sources: GaugeSources): void {
      new Gauge({
        name: 'mediquo_cdc_pending_patients',
        help: 'Rows that wait',
        labelNames: ['lane'],
        registers,
        collect() {
          for (const lane of lanes) this.set({ lane }, sources.pending(lane))
        },
      })
      gauge('in_flight_requests', 'Requests without an answer yet', sources.inFlightRequests)
      gauge('dead_letters', 'Rows with a dead letter at present', sources.deadLetters)
      gauge('replication_lag_bytes', 'WAL written after what is confirmed', sources.replicationLagBytes)
      gauge('slot_retained_bytes', "Bytes of the server's disk that the slot holds", sources.slotRetainedBytes)
      gauge(
        'slot_safe_bytes',
        "WAL that can be written until the server may take the slot's; infinite without a limit",
        sources.slotSafeBytes,
      )
      gauge(
        'slot_retained_bytes_per_second',
        'By how much the slot comes to hold more; NaN while it is not known',
        sources.slotRetainedBytesPerSecond,
      )
      gauge(
        'slot_seconds_until_lost',
        'Until the slot is lost if everything goes on as it does; infinite if it is not to be expected',
        sources.slotSecondsUntilLost,
      )
      gauge(
        'drain_seconds',
        'To send what waits, in memory and in the WAL, at the quota, at most; NaN while it is not known',
        sources.secondsToDrain,
      )
      gauge(
        'oldest_unsettled_seconds',
        'Age of the oldest transaction received that is not settled; 0 if there is none',
        sources.oldestUnsettledSeconds,
      )
      gauge('rate_limit_remaining', 'Requests that may be sent immediately', sources.rateLimitRemaining)
      gauge(
        'backfill_progress_ratio',
        'Rows that the backfill has settled, of those estimated',
        sources.backfillProgress,
      )
      gauge(
        'backfill_mark',
        'Reads that the backfill made and rows that it has settled: another number for as long as it gets on',
        sources.backfillMark,
      )
      gauge('shared_codes', 'Codes that several rows have', sources.sharedCodes)
      gauge(
        'drift_ratio',
        'Rows that mediQuo had otherwise than the table, of the last 1,000 read back',
        sources.driftRatio,
      )
      new Gauge({
        name: 'mediquo_cdc_state',
        help: '1 for the state that the status shows, 0 for the others',
        labelNames: ['state'],
        registers,
        collect() {
          const now = sources.state()
          for (const state of connectorStates) this.set({ state }, state === now ? 1 : 0)
        },
      })
      new Gauge({
        name: 'mediquo_cdc_delivery_trouble',
        help: '1 for what keeps patients from being sent: an outage of the API or of the checkpoint store, refused keys (halted), every patient refused, its limit',
        labelNames: ['kind'],
        registers,
        collect() {
          const now = sources.trouble()
          for (const kind of deliveryTroubles) this.set({ kind }, kind === now ? 1 : 0)
        },
      })
      new Gauge({
        name: 'mediquo_cdc_problem',
        help: '1 while the problem of this code is raised, otherwise 0',
        labelNames: ['code', 'severity'],
        registers,
        collect() {
          const raised = new Set(sources.problems().map(({ problem }) => problem.kind))
          for (const kind of problemKinds) {
            const { code, severity } = problemCatalog[kind]
            this.set({ code, severity }, raised.has(kind) ? 1 : 0)
          }
        },
      })
      gauge('healthy', '0 once the process is wedged and wants a restart', () => (sources.healthy() ? 1 : 0))
      gauge('ready', '1 while streaming and the API accepts the keys', () => (sources.ready() ? 1 : 0))
    },
  }
}
