/** Intervals and delays of a connector, milliseconds. They are not configurable: only tests shorten them. */
export interface Intervals {
  /** Between two checks of the slot, the table, the checkpoint store and the problems. */
  readonly checkMs: number
  /** Between two attempts to prepare the source while blocked. */
  readonly blockedMs: number
  /** Between two standby statuses, at most; `wal_sender_timeout` can shorten it. */
  readonly statusMs: number
  /** The API applies what it has accepted within seconds: a row that differs is compared again after each of these delays. */
  readonly applyDelaysMs: readonly number[]
  /** Time that `verify` gives the checkpoint to pass a read. On an idle server it moves once in `core.idleWriteMs`. */
  readonly settlingMs: number
  readonly core: CoreIntervals
}

export interface CoreIntervals {
  /** Between two writes of the checkpoint while only the server's position moves. */
  readonly idleWriteMs: number
  /** Between two searches for a requested backfill run. */
  readonly findBackfillMs: number
  /** Time that a few codes ready to be unsubscribed wait for others, so that one request carries many of them. */
  readonly gatherMs: number
  /** Time without an inserted row after which an emptied table counts as filled again, and the maximum time until then. */
  readonly reloadQuietMs: number
  readonly maxReloadMs: number
  /** Between two looks at a table that was found empty. */
  readonly emptyTableMs: number
  /** Between two times at which the store forgets rows that are gone. */
  readonly forgetMs: number
}

export const defaultIntervals: Intervals = {
  checkMs: 5_000,
  blockedMs: 10_000,
  statusMs: 10_000,
  applyDelaysMs: [500, 1_500, 4_000],
  settlingMs: 20_000,
  core: {
    idleWriteMs: 10_000,
    findBackfillMs: 2_000,
    gatherMs: 2_000,
    reloadQuietMs: 5_000,
    maxReloadMs: 600_000,
    emptyTableMs: 60_000,
    forgetMs: 3_600_000,
  },
}
