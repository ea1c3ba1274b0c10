import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { RaisedProblem } from '../model/problem/problem.ts'
import { problemCatalog, problemKinds } from '../model/problem/problem-kind.ts'
import { type Lane, lanes } from '../model/progress/lane.ts'
import type { DeadLetterReason } from '../model/progress/stored-row.ts'
import type { Change } from '../model/source/change.ts'
import { type ConnectorState, connectorStates, type DeliveryTrouble, deliveryTroubles } from '../model/status/status.ts'
import { RecentDurations } from './recent-durations.ts'

/** Gauges without labels: their names, and their meanings. */
const gaugeMeanings = {
  in_flight_requests: 'Requests without an answer yet',
  dead_letters: 'Rows with a dead letter at present',
  replication_lag_bytes: 'WAL written after what is confirmed',
  slot_retained_bytes: "Bytes of the server's disk that the slot holds",
  slot_safe_bytes: "WAL that can be written until the server may take the slot's; infinite without a limit",
  slot_retained_bytes_per_second: 'By how much the slot comes to hold more; NaN while it is not known',
  slot_seconds_until_lost:
    'Until the slot is lost if everything goes on as it does; infinite if it is not to be expected',
  drain_seconds: 'To send what waits, in memory and in the WAL, at the quota, at most; NaN while it is not known',
  oldest_unsettled_seconds: 'Age of the oldest transaction received that is not settled; 0 if there is none',
  rate_limit_remaining: 'Requests that may be sent immediately',
  backfill_progress_ratio: 'Rows that the backfill has settled, of those estimated',
  backfill_mark: 'Reads that the backfill made and rows that it has settled: another number for as long as it gets on',
  shared_codes: 'Codes that several rows have',
  drift_ratio: 'Rows that mediQuo had otherwise than the table, of the last 1,000 read back',
  healthy: '0 once the process is wedged and wants a restart',
  ready: '1 while streaming and the API accepts the keys',
} as const
type GaugeName = keyof typeof gaugeMeanings
const gaugeNames = Object.keys(gaugeMeanings) as GaugeName[]

/** Sources of the gauges without labels, read at scrape time. */
export type GaugeSources = Readonly<Record<GaugeName, () => number>>

/** Sources of the gauges with labels, read at scrape time. */
export interface LabelledSources {
  readonly pending: (lane: Lane) => number
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
  const gauge = (name: GaugeName, read: () => number) =>
    new Gauge({
      name: `mediquo_cdc_${name}`,
      help: gaugeMeanings[name],
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
    truncatesIgnored: counter('truncates_ignored_total', 'TRUNCATEs that were ignored (source.onTruncate)'),
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
    observe(values: GaugeSources, labelled: LabelledSources): void {
      new Gauge({
        name: 'mediquo_cdc_pending_patients',
        help: 'Rows that wait',
        labelNames: ['lane'],
        registers,
        collect() {
          for (const lane of lanes) this.set({ lane }, labelled.pending(lane))
        },
      })
      for (const name of gaugeNames) gauge(name, values[name])
      new Gauge({
        name: 'mediquo_cdc_state',
        help: '1 for the state that the status shows, 0 for the others',
        labelNames: ['state'],
        registers,
        collect() {
          const now = labelled.state()
          for (const state of connectorStates) this.set({ state }, state === now ? 1 : 0)
        },
      })
      new Gauge({
        name: 'mediquo_cdc_delivery_trouble',
        help: '1 for what keeps patients from being sent: an outage of the API or of the checkpoint store, refused keys (halted), every patient refused, its limit',
        labelNames: ['kind'],
        registers,
        collect() {
          const now = labelled.trouble()
          for (const kind of deliveryTroubles) this.set({ kind }, kind === now ? 1 : 0)
        },
      })
      new Gauge({
        name: 'mediquo_cdc_problem',
        help: '1 while the problem of this code is raised, otherwise 0',
        labelNames: ['code', 'severity'],
        registers,
        collect() {
          const raised = new Set(labelled.problems().map(({ problem }) => problem.kind))
          for (const kind of problemKinds) {
            const { code, severity } = problemCatalog[kind]
            this.set({ code, severity }, raised.has(kind) ? 1 : 0)
          }
        },
      })
    },
  }
}
