import { describe, expect, test } from 'vitest'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { openDatabase, type TestDatabase } from '../../support/postgres.ts'
import { dumpOf, restorePatients, restoreStore, restoreStoreTable } from './logical-restore.ts'
import { change, delivered, insert } from './state-on-server.ts'

const storeIsRestored = 'the checkpoint store was restored from a dump or copied, a backfill sends every row'

/** Renames a database of which no connector runs. */
async function rename(onServer: TestDatabase, from: string, to: string) {
  await onServer.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1`, [from])
  await onServer.query(`alter database ${from} rename to ${to}`)
}

describe('a database of the same name is not followed before it is adopted, and every row is sent again then', () => {
  test('after it was restored from a dump, with the checkpoint store in it', async () => {
    await using stand = await delivered()
    const { database, connector, onServer } = stand
    const dump = await dumpOf(database)
    await change(connector)
    await connector.stop()
    await database.dispose().catch(() => undefined)
    await onServer.query(`create database ${database.name} template template0`)
    await using restored = openDatabase(database.url, database.name)
    await restorePatients(restored, dump)
    await restoreStore(restored, dump)

    const later = await stand.start({ database: restored, waitFor: 'blocked' })

    expect((await later.status()).reason).toMatch(/the OID of the database is \d+, the state belongs to \d+/)
    expect(await onServer.query('select from pg_replication_slots')).toEqual([])
    expect(await stand.adopt()).toMatchObject({
      done: [{ kind: 'identity changed', slot: 'made', needsBackfill: true }],
    })
    await later.whenState('streaming')
    await expectBothEndsEqual(later)
    expect(later.sandbox.patients().get('jane')?.first_name).toBe('V0')
    expect(await stand.adopt()).toEqual({ neverStarted: false, done: [] })
  }, 120_000)

  test('after a copy of it took its name; and it is followed again once it has its name back', async () => {
    await using stand = await delivered()
    const { database, connector, onServer } = stand
    const { name } = database
    await connector.stop()
    await onServer.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots')
    await rename(onServer, name, `${name}_before`)
    await onServer.query(`create database ${name} template ${name}_before`)
    await database.query(`update patients set first_name = 'Copy'`)

    const later = await stand.start({ waitFor: 'blocked' })

    expect((await later.status()).reason).toMatch(/the OID of the database is \d+, the state belongs to \d+/)
    await later.stop()
    await rename(onServer, name, `${name}_copy`)
    await rename(onServer, `${name}_before`, name)
    const again = await stand.start()
    await database.query(`update patients set last_name = 'Doe' where code = 'jane'`)
    await again.whenPatient('jane', ({ last_name }) => last_name === 'Doe')
    await expectBothEndsEqual(again)
    expect(again.sandbox.patients().get('jane')?.first_name).toBe('V0')
  }, 120_000)
})

describe('a checkpoint store that is not the one that was written is not believed: every row is sent again', () => {
  test('after it was dropped and restored from a dump', async () => {
    await using stand = await delivered()
    const { database, connector } = stand
    const dump = await dumpOf(database)
    await change(connector)
    await connector.stop()
    await database.query('drop schema mediquo_cdc cascade')
    await restoreStore(database, dump)
    // The restored store says that mediQuo has just this.
    await database.query(`delete from patients; ${insert}`)

    const later = await stand.start({ waitFor: null })
    await later.whenLogged(storeIsRestored)
    await expectBothEndsEqual(later)
  }, 120_000)

  test('after one of its tables was restored: the checkpoint is the present one', async () => {
    await using stand = await delivered()
    const { database, connector } = stand
    const dump = await dumpOf(database)
    await change(connector)
    await connector.stop()
    await restoreStoreTable(database, 'delivery', dump)
    await database.query(`delete from patients; ${insert}`)

    const later = await stand.start({ waitFor: null })
    await expectBothEndsEqual(later)
    await later.whenLogged(storeIsRestored)
  }, 120_000)
})
