import type { Lsn } from '../model/source/lsn.ts'
import type { TableSchema } from '../model/source/table-schema.ts'
import type { ConnectorState } from '../model/status/status.ts'

import { isStreaming } from '../model/status/status.ts'
import { type SlotHealth, type SlotInUse, slotTroubleError, slotTroubleOf } from '../source/slot/slot-health.ts'

import type { TableAlteration } from '../source/table/table-alteration.ts'
import { SchemaChangedError } from '../startup/schema/schema-change.ts'

/** Part of the board that the watch reads and updates. */
export interface WatchedBoard {
  readonly state: ConnectorState
  readonly pipeline: {
    isStuck(): boolean
    breakOff(error: unknown): void
    /** Closes the replication connection, which is then opened again. */
    disconnect(end: 'silent'): void
    view(): { readonly durableLsn: Lsn; readonly isPaused: boolean }
  } | null
  health: SlotHealth | null
  stuckChecks: number
}

export interface HealthWatchOptions {
  readonly slot: string
  readonly readHealth: () => Promise<SlotHealth>
  /** Compares the table with its schema. @returns how it differs, or its present schema, which takes the place of the other. */
  readonly lookAtTable: (schema: TableSchema) => Promise<TableAlteration | TableSchema>
  /** Asks whether the application can still write, and gives relief if not, as often as the slot is read. */
  readonly lookAtWrites: () => Promise<void>
  /** Reads the state, as often as the slot. */
  readonly readState: () => Promise<void>
  /** Called if the server or the state did not answer. */
  readonly onFailure: () => Promise<void>
}

interface PreparedFacts extends Omit<SlotInUse, 'writtenLsn' | 'durableLsn'> {
  readonly tableSchema: TableSchema
}

/**
 * Number of consecutive looks at an unused slot after which the connection counts as dead. It applies while back-pressure stops the stream:
 * then nothing is read, and only the slot shows a dead connection.
 */
const unservedLooks = 2
/** Time with rows ready to send, no known trouble, and nothing in flight, after which the process counts as stuck and needs a restart. */
const wedgedAfterMs = 180_000

/**
 * Checks the slot and the table at an interval, and on request. It ends a pipeline whose slot is lost or whose table was altered.
 * @param everyMs interval between two checks, milliseconds.
 */
export function createHealthWatch(
  board: WatchedBoard,
  everyMs: number,
  { slot, readHealth, lookAtTable, lookAtWrites, readState, onFailure }: HealthWatchOptions,
) {
  let expected: PreparedFacts | null = null
  let checking = false
  let unserved = 0
  let wanted = false
  /** Pipeline that acknowledged last, as far as is known. It stays the same while its stream is broken, since nobody acknowledges then. */
  let holder: WatchedBoard['pipeline'] = null

  function noteHolder(): void {
    if (isStreaming(board.state)) holder = board.pipeline
    else if (board.state === 'standby' || board.pipeline !== holder) holder = null
  }

  /** Runs one check at a time. A call during a check causes another one after it. */
  async function check(): Promise<void> {
    noteHolder()
    wanted = true
    if (checking) return
    checking = true
    while (wanted) {
      wanted = false
      // Check also while blocked: the slot retains WAL on the customer's disk.
      if (board.pipeline || board.state === 'blocked') await look().catch(onFailure)
    }
    checking = false
  }

  async function look(): Promise<void> {
    // First: the look at the table ends the pipeline if the publication had to be altered.
    await lookAtWrites()
    const { pipeline } = board
    const inUse = expected
    const writtenLsn = pipeline?.view().durableLsn
    const heldBefore = holder
    const health = await readHealth()
    board.health = health
    lookAtConnection(health)
    // A pipeline that began in the meantime can use another slot than the one that was read.
    if (pipeline && writtenLsn !== undefined && inUse && pipeline === board.pipeline) {
      noteHolder()
      // Another instance advances the slot while this one is on standby.
      const durableLsn = holder === pipeline && heldBefore === pipeline ? pipeline.view().durableLsn : null
      const trouble = slotTroubleOf(health, { ...inUse, writtenLsn, durableLsn })
      if (trouble) pipeline.breakOff(slotTroubleError(trouble, slot))
      else await compareTable(pipeline, inUse)
    }
    await readState()
  }

  /** Disconnects if the server has ended the session and the connection does not show it. */
  function lookAtConnection({ isActive }: SlotHealth): void {
    const { pipeline, state } = board
    unserved = isStreaming(state) && pipeline?.view().isPaused && !isActive ? unserved + 1 : 0
    if (unserved < unservedLooks) return
    unserved = 0
    pipeline?.disconnect('silent')
  }

  async function compareTable(pipeline: NonNullable<WatchedBoard['pipeline']>, inUse: PreparedFacts): Promise<void> {
    const found = await lookAtTable(inUse.tableSchema)
    if (!('what' in found)) {
      if (expected === inUse) expected = { ...inUse, tableSchema: found }
      return
    }
    // The table may have been altered after this look asked about the writes.
    await lookAtWrites()
    if (pipeline === board.pipeline)
      pipeline.breakOff(new SchemaChangedError(`the table was altered: ${found.what}`, { inStream: false }))
  }

  const timer = setInterval(() => {
    const stuck = board.pipeline?.isStuck() ?? false
    board.stuckChecks = stuck ? board.stuckChecks + 1 : 0
    void check()
  }, everyMs)

  return {
    /** Sets the facts for which the next pipeline was prepared. */
    expect: (inUse: PreparedFacts) => {
      expected = inUse
    },
    checkNow: () => void check(),
    isWedged: () => board.stuckChecks * everyMs >= wedgedAfterMs,
    stop: () => clearInterval(timer),
  }
}
