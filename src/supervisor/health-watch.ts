import type { Lsn } from '../model/source/lsn.ts'
import { alterationOf, type TableShape } from '../model/source/table-shape.ts'
import type { ConnectorState } from '../model/status/status.ts'
import { type SlotHealth, type SlotInUse, SlotTroubleError, slotTroubleOf } from '../source/slot/slot-health.ts'
import type { CatalogShape } from '../source/table/table-shape.ts'
import { SchemaChangedError } from '../startup/schema/schema-change.ts'

/** What of the board the watch reads and keeps up to date. */
export interface WatchedBoard {
  readonly state: ConnectorState
  readonly pipeline: {
    isStuck(): boolean
    breakOff(error: unknown): void
    /** Closes the replication connection, which is made again. */
    disconnect(end: 'silent'): void
    view(): { readonly durableLsn: Lsn; readonly isPaused: boolean }
  } | null
  health: SlotHealth | null
  stuckChecks: number
}

export interface HealthWatchOptions {
  readonly slot: string
  readonly readHealth: () => Promise<SlotHealth>
  /** The table as the catalogs have it; null if it is gone. */
  readonly readShape: (columns: readonly string[]) => Promise<CatalogShape | null>
  /** What else is to be looked at as often. */
  readonly readState: () => Promise<void>
  /** The server or the state did not answer. */
  readonly onFailure: () => Promise<void>
}

interface Expected extends Omit<SlotInUse, 'writtenLsn' | 'durableLsn'> {
  readonly shape: TableShape
}

const everyMs = 5_000
/** While back-pressure pauses the stream nothing is read, so a dead connection shows only by a slot that nobody uses: so many looks in a row. */
const unservedLooks = 2
/** Rows that could leave, no trouble known, and nothing in flight for this long: the process is wedged and wants a restart. */
const wedgedAfterMs = 180_000

/** Looks at the slot and the table every five seconds, and when it is told to; a pipeline whose slot is lost, or whose table was altered, is ended. */
export function createHealthWatch(
  board: WatchedBoard,
  { slot, readHealth, readShape, readState, onFailure }: HealthWatchOptions,
) {
  let expected: Expected | null = null
  let checking = false
  let unserved = 0
  let wanted = false
  /** The pipeline that acknowledged last, as far as is known. It stays so while its stream is broken: then nobody acknowledges. */
  let holder: WatchedBoard['pipeline'] = null

  function noteHolder(): void {
    if (board.state === 'streaming' || board.state === 'backfilling') holder = board.pipeline
    else if (board.state === 'standby' || board.pipeline !== holder) holder = null
  }

  /** One check at a time; a caller in the meantime gets another one after it. */
  async function check(): Promise<void> {
    noteHolder()
    wanted = true
    if (checking) return
    checking = true
    while (wanted) {
      wanted = false
      // Also while blocked: the slot keeps WAL on the customer's disk.
      if (board.pipeline || board.state === 'blocked') await look().catch(onFailure)
    }
    checking = false
  }

  async function look(): Promise<void> {
    const { pipeline } = board
    const inUse = expected
    const writtenLsn = pipeline?.view().durableLsn
    const heldBefore = holder
    const health = await readHealth()
    board.health = health
    lookAtConnection(health)
    // A pipeline that began in the meantime may have another slot than the one that was looked at.
    if (pipeline && writtenLsn !== undefined && inUse && pipeline === board.pipeline) {
      noteHolder()
      // Another instance moves the slot while this one stands by.
      const durableLsn = holder === pipeline && heldBefore === pipeline ? pipeline.view().durableLsn : null
      const trouble = slotTroubleOf(health, { ...inUse, writtenLsn, durableLsn })
      if (trouble) pipeline.breakOff(new SlotTroubleError(trouble, slot))
      else await lookAtTable(pipeline, inUse)
    }
    await readState()
  }

  /** The server has ended the session, and the connection does not say so. */
  function lookAtConnection({ isActive }: SlotHealth): void {
    const { pipeline, state } = board
    const isStreaming = state === 'streaming' || state === 'backfilling'
    unserved = isStreaming && pipeline?.view().isPaused && !isActive ? unserved + 1 : 0
    if (unserved < unservedLooks) return
    unserved = 0
    pipeline?.disconnect('silent')
  }

  async function lookAtTable(pipeline: NonNullable<WatchedBoard['pipeline']>, { shape }: Expected): Promise<void> {
    const found = await readShape(Object.keys(shape.columns))
    const alteration = found ? alterationOf(shape, found) : 'it is gone'
    if (alteration && pipeline === board.pipeline)
      pipeline.breakOff(new SchemaChangedError(`the table was altered: ${alteration}`, { inStream: false }))
  }

  const timer = setInterval(() => {
    const stuck = board.pipeline?.isStuck() ?? false
    board.stuckChecks = stuck ? board.stuckChecks + 1 : 0
    void check()
  }, everyMs)

  return {
    /** What the pipeline about to begin was made ready with. */
    expect: (inUse: Expected) => {
      expected = inUse
    },
    checkNow: () => void check(),
    isWedged: () => board.stuckChecks * everyMs >= wedgedAfterMs,
    stop: () => clearInterval(timer),
  }
}
