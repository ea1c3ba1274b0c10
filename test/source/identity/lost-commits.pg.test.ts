import { describe, expect, test } from 'vitest'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import type { RunningConnector } from '../../support/connector.ts'
import { postgresMajor, type TestDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import { laggingStandby } from './lagging-standby.ts'

const sendsEveryRow = 'the server failed over, and the state may lack what was sent last: a backfill sends every row'
const insert = `insert into patients (code, plan) select 'p' || i, 'premium' from generate_series(1, 20) i`
/** Changes that only the primary has. */
const changes = `update patients set first_name = 'Phantom' where code = 'p1';
  update patients set plan = null where code = 'p2'; delete from patients where code = 'p3'`

/** Has the primary alone commit the changes, and waits until mediQuo has them and the store says so. */
async function deliverToPrimaryAlone({ whenPatient, status }: RunningConnector, on: TestDatabase) {
  await on.query(changes)
  await whenPatient('p1', ({ first_name }) => first_name === 'Phantom')
  for (const code of ['p2', 'p3']) await whenPatient(code, ({ unsubscribed_at }) => unsubscribed_at !== null)
  await until(async () => (await status()).delivery.pending === 0)
}

describe.skipIf(postgresMajor < 17)(
  'a standby that is promoted without the last commits, and the state with it',
  () => {
    test('has every row sent again: mediQuo keeps nothing that was lost', async () => {
      await using stand = await laggingStandby()
      const connector = await stand.start()
      await stand.database.query(insert)
      await until(() => stand.sandbox.patients().size === 20)
      const standby = await stand.addStandby()
      await connector.whenSettled()
      await standby.caughtUp()
      standby.stall()
      await deliverToPrimaryAlone(connector, stand.database)

      await standby.failOver()

      await connector.whenLogged(sendsEveryRow)
      await expectBothEndsEqual({ ...connector, database: stand.database })
      expect(await stand.passes()).toEqual(['identity changed'])
      // Changes are followed.
      await stand.database.query(`update patients set first_name = 'After' where code = 'p4'`)
      await connector.whenPatient('p4', ({ first_name }) => first_name === 'After')
    }, 180_000)

    test('has every row sent again by a connector that was stopped in the meantime', async () => {
      await using stand = await laggingStandby()
      const connector = await stand.start()
      await stand.database.query(insert)
      await until(() => stand.sandbox.patients().size === 20)
      const standby = await stand.addStandby()
      await connector.whenSettled()
      await standby.caughtUp()
      standby.stall()
      await deliverToPrimaryAlone(connector, stand.database)
      await connector.stop()

      await standby.failOver()

      const later = await stand.start()
      await expectBothEndsEqual({ ...later, database: stand.database })
      await later.whenLogged(sendsEveryRow)
    }, 180_000)

    test('has every row sent again after each of two fail-overs', async () => {
      await using stand = await laggingStandby()
      const connector = await stand.start()
      await stand.database.query(insert)
      await until(() => stand.sandbox.patients().size === 20)
      const first = await stand.addStandby()
      await connector.whenSettled()
      await first.caughtUp()
      await first.failOver()
      await stand.database.query(`insert into patients (code, plan) values ('between', 'premium')`)
      await connector.whenPatient('between')
      await connector.whenState('streaming')

      const second = await stand.addStandby()
      await stand.database.query(`update patients set last_name = 'Doe'`)
      await connector.whenPatient('p20', ({ last_name }) => last_name === 'Doe')
      await expectBothEndsEqual({ ...connector, database: stand.database })
      await second.caughtUp()
      second.stall()
      await deliverToPrimaryAlone(connector, stand.database)
      await second.failOver()

      await connector.whenLogged(sendsEveryRow)
      await expectBothEndsEqual({ ...connector, database: stand.database })
      expect((await stand.passes()).at(-1)).toBe('identity changed')
    }, 240_000)

    test('goes on without a backfill if the running connector knows that the state lacks nothing', async () => {
      await using stand = await laggingStandby()
      const connector = await stand.start()
      await stand.database.query(insert)
      await until(() => stand.sandbox.patients().size === 20)
      const standby = await stand.addStandby()
      await connector.whenSettled()
      await standby.caughtUp()

      await standby.failOver()

      await connector.whenLogged('the server failed over with the replication slot')
      await stand.database.query(`update patients set first_name = 'After' where code = 'p4'`)
      await connector.whenPatient('p4', ({ first_name }) => first_name === 'After')
      await expectBothEndsEqual({ ...connector, database: stand.database })
      expect(await stand.passes()).toEqual([])
    }, 180_000)
  },
)
