/** What the connector is doing, in one word. */
export const connectorStates = ['starting', 'standby', 'backfilling', 'streaming', 'blocked', 'stopping'] as const
export type ConnectorState = (typeof connectorStates)[number]

/** What may keep patients from being sent. `halted`: the keys are refused; `rejecting`: every patient is, alike. */
export const deliveryTroubles = ['outage', 'halted', 'rejecting', 'rate limited'] as const
export type DeliveryTrouble = (typeof deliveryTroubles)[number]

/** The reason of an outage that is the state's and not the API's: no request leaves before the state has noted it. */
export const stateCannotBeWritten = 'the state cannot be written'

/** The JSON of `GET /status`. LSNs are text, times ISO 8601 in UTC. No value of a row. */
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
    /** Bytes of WAL until the server may take the slot's; null: no limit. */
    readonly safeWalBytes: number | null
    /** By how much the slot comes to hold more; negative: less. Null: not known yet. */
    readonly retainedBytesPerSecond: number | null
    /** If everything goes on as it does now; null: it is not to be expected. */
    readonly secondsUntilSlotLost: number | null
    /** To send what waits, in memory and in the WAL, at the quota: at most. Null: not known. */
    readonly secondsToDrain: number | null
  }
  readonly backfill: {
    readonly state: 'none' | 'running' | 'done'
    readonly rowsRead: number
    readonly rowsEstimated: number
    /** At the quota, if every row left has to be sent; null if none is under way. */
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
  /** What will come to harm if nobody acts, one sentence each, with what to do. */
  readonly warnings: readonly string[]
}
