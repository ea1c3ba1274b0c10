import type { Status } from '../../src/model/status/status.ts'
import type { RunningConnector } from '../support/connector.ts'
import { until } from '../support/until.ts'

/** Asks for a pass as the command does. @returns once it is done, or another that reads as much in its place. */
export async function askForBackfill(
  { database, status }: Pick<RunningConnector, 'database' | 'status'>,
  codes: readonly string[] | null = null,
): Promise<void> {
  const [asked] = await database.query(
    `insert into mediquo_cdc.backfill (state, reason, codes) values ('requested', 'asked for', $1) returning id`,
    [codes && JSON.stringify(codes)],
  )
  await until(async () => {
    const passes = await database.query('select state from mediquo_cdc.backfill where id >= $1', [asked?.id])
    return passes.every(({ state }) => state === 'done' || state === 'replaced')
  })
  await whenBackfilled({ status })
}

/** Resolves once the pass that is under way, or about to be, is done. */
export async function whenBackfilled({ status }: Pick<RunningConnector, 'status'>): Promise<Status['backfill']> {
  return await until(async () => {
    const { backfill } = await status()
    return backfill.state === 'done' && backfill
  })
}
