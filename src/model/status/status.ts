import type { ProblemReport } from '../problem/problem-report.ts'

/** State of the connector, in one word. */
export const connectorStates = ['starting', 'standby', 'backfilling', 'streaming', 'blocked', 'stopping'] as const
export type ConnectorState = (typeof connectorStates)[number]

const streaming: Readonly<Record<ConnectorState, boolean>> = {
  starting: false,
  standby: false,
  backfilling: true,
  streaming: true,
  blocked: false,
  stopping: false,
}

/** Returns true in a state in which changes are received and delivered. */
export function isStreaming(state: ConnectorState): boolean {
  return streaming[state]
}

/**
 * Conditions that keep patients from being sent. `outage`: the API does not answer, or fails; `store outage`: no request is sent before
 * the checkpoint store has noted it; `halted`: the API refuses the keys; `rejecting`: it refuses every patient alike;
 * `unexpected success`: it reports success in a way that is not documented, so that patients are read back one request at a time;
 * `unproven success`: reading back shows nothing of what was sent; `told to wait`: it asks for a long pause.
 */
export const deliveryTroubles = [
  'outage',
  'store outage',
  'halted',
  'rejecting',
  'unproven success',
  'unexpected success',
  'told to wait',
  'rate limited',
] as const
export type DeliveryTrouble = (typeof deliveryTroubles)[number]

/** The JSON of `GET /status`. LSNs are text, times are ISO 8601 in UTC. It contains no value of a row. */
export interface Status {
  readonly state: ConnectorState
  readonly reason: string | null
  readonly source: {
    readonly table: string
    readonly slot: string
    readonly serverVersion: string
    readonly receivedLsn: string | null
    readonly checkpointLsn: string | null
    readonly currentLsn: string | null
    readonly lagBytes: number | null
    readonly retainedBytes: number | null
    readonly walStatus: string | null
    /** Bytes of WAL until the server may invalidate the slot; null: no limit. */
    readonly safeWalBytes: number | null
    /** Growth of the WAL that the slot retains; negative if it shrinks. Null if not known yet. */
    readonly retainedBytesPerSecond: number | null
    /** Time until the slot is lost at the present rate; null if that is not to be expected. */
    readonly secondsUntilSlotLost: number | null
    /** Time to send what waits, in memory and in the WAL, at the quota: an upper limit. Null if not known. */
    readonly secondsToDrain: number | null
  }
  readonly backfill: {
    readonly state: 'none' | 'running' | 'done'
    readonly rowsRead: number
    readonly rowsEstimated: number
    /** Time to the end at the quota, if every remaining row has to be sent; null if none is in progress. */
    readonly secondsLeft: number | null
    readonly startedAt: string | null
    readonly finishedAt: string | null
  }
  readonly delivery: {
    readonly pending: number
    readonly inFlight: number
    readonly requestsLastMinute: number
    readonly requestsPerMinute: number
    readonly delivered: number
    readonly unchanged: number
    readonly lastDeliveredAt: string | null
    readonly lastError: string | null
  }
  readonly deadLetters: number
  /** Problems that are raised at present, the worst first. */
  readonly problems: readonly ProblemReport[]
}
