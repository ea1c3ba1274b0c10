import { xid } from '../../model/source/visibility.ts'
import { isStreaming } from '../../model/status/status.ts'
import type { Resources } from '../../startup/resources.ts'
import type { Board } from '../status-board.ts'
import { noteLatestRun } from '../store-went-back.ts'

type Tools = Pick<Resources, 'settings' | 'source' | 'state' | 'telemetry' | 'runtime'>

/** Time between two looks through all row records, milliseconds. */
const forgetEveryMs = 3_600_000

/** Returns a function that reads the state for the status and the problems, and has it forget rows that are long gone. */
export function createStateWatch(resources: Tools, board: Board): () => Promise<void> {
  const { store } = resources.state
  const { clocks } = resources.runtime
  const { logger } = resources.telemetry
  let forgetAtMs = Number.NEGATIVE_INFINITY

  /** Looks at the next part of the row records. Only the writer may forget. */
  async function forget(): Promise<void> {
    if (!isStreaming(board.state) || clocks.monotonicMs() < forgetAtMs) return
    const { rows } = await resources.source.pool.query<{ xmin: string }>(
      'select pg_snapshot_xmin(pg_current_snapshot())::text as xmin',
    )
    const oldestXid = xid(BigInt(rows[0]?.xmin ?? '0'))
    const step = await store.removedRows.step({ keepMs: resources.settings.state.keepRemoved, oldestXid })
    if (step.isLast) forgetAtMs = clocks.monotonicMs() + forgetEveryMs
    if (step.forgotten > 0) logger.debug({ rows: step.forgotten }, 'rows that are gone were forgotten')
  }

  /** Warns about codes that several rows share: nothing is lost, but it is probably a mistake. */
  async function sayWhoSharesCodes(): Promise<void> {
    for (const code of await store.sharedCodes.look())
      logger.warn({ code }, 'several rows have this code: mediQuo has the one that changed last')
  }

  return async () => {
    board.deadLetters = await store.deadLetters.look()
    board.owed = await store.countOwed()
    noteLatestRun(board, await store.backfillRuns.latest())
    await store.mappings.look()
    await sayWhoSharesCodes()
    await store.sharedCodes.lookForAlike(resources.telemetry.respelledCodes.forms)
    await forget()
  }
}
