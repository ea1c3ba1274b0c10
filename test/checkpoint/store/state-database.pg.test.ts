import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { BackfillRuns } from '../../../src/checkpoint/store/backfill-runs.ts'
import { backfill } from '../../../src/checkpoint/store/tables.ts'
import { testDatabase } from '../../support/postgres.ts'
import { begun, open } from './store-scene.ts'

const settings = ['search_path=pg_catalog', 'datestyle=German,DMY', 'timezone=Asia/Tokyo', 'synchronous_commit=off']

test.each(['the URL', 'the database', 'the role', 'the role in the database'])(
  'the store works the same whatever session options %s sets',
  async (where) => {
    await using database = await testDatabase()
    await using first = await begun(database)
    await new BackfillRuns(first.db, () => 1).request(null)
    const url = new URL(database.url)
    if (where === 'the URL') url.searchParams.set('options', settings.map((setting) => `-c ${setting}`).join(' '))
    else {
      const role = `role_${database.name}`
      await database.query(`create role ${role} superuser login password 'secret'`)
      url.username = role
      url.password = 'secret'
      const altered = new Map([
        ['the database', `database ${database.name}`],
        ['the role', `role ${role}`],
        ['the role in the database', `role ${role} in database ${database.name}`],
      ]).get(where)
      for (const setting of settings)
        await database.query(`alter ${altered} set ${setting.replace('Asia/Tokyo', "'Asia/Tokyo'")}`)
    }
    await using state = open(url.href)
    expect(await state.store.load()).not.toBeNull()
    const [run] = await state.db.select({ requestedAt: backfill.requestedAt }).from(backfill)
    expect(Math.abs(Date.now() - (run?.requestedAt.getTime() ?? Number.NaN))).toBeLessThan(600_000)
    const { rows } = await state.db.execute(sql`show synchronous_commit`)
    expect(rows).toEqual([{ synchronous_commit: 'local' }])
  },
)
