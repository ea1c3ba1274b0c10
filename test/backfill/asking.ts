import type { Status } from '../../src/model/status/status.ts'
import type { RunningConnector } from '../support/connector.ts'
import { until } from '../support/until.ts'

/** Requests a backfill run as the command does. @returns once it is done, or another run that covers the same rows. */
export async function askForBackfill(
  { database, status }: Pick<RunningConnector, 'database' | 'status'>,
  codes: readonly string[] | null = null,
): Promise<void> {
  const [asked] = await database.query(
    `insert into mediquo_cdc.backfill (state, reason, codes) values ('requested', 'asked for', $1) returning id`,
    [codes && JSON.stringify(codes)],
  )
  await until(async () => {
    const backfillRuns = await database.query('select state from mediquo_cdc.backfill where id >= $1', [asked?.id])
    return backfillRuns.every(({ state }) => state === 'done' || state === 'replaced')
  })
  await whenBackfilled({ status })
}

/** Resolves once the backfill run that is active or requested is done. */
export async function whenBackfilled({ status }: Pick<RunningConnector, 'status'>): Promise<Status['backfill']> {
  return await until(async () => {
    const { backfill } = await status()
    return backfill.state === 'done' && backfill
  })
}
