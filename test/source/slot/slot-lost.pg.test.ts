import { describe, expect, test } from 'vitest'
import { parseLsn } from '../../../src/model/source/lsn.ts'
import type { EmbeddedServer } from '../../../src/sandbox/postgres/embedded-server.ts'
import { dropSlotAsFound } from '../../../src/source/slot/replication-slot.ts'
import { runCommand } from '../../cli/run-command.ts'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { patientsTable, type RunningConnector, startConnector } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { newPool } from '../../support/postgres/connections.ts'
import { dropSlot } from '../../support/postgres/drop-slot.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

/** Starts a connector that has delivered a patient, and can be started again on the same database with other settings. */
async function stand(source: Readonly<Record<string, string>> = {}, server: EmbeddedServer | null = null) {
  const releases: AsyncDisposable[] = []
  const database = await testDatabase({ schema: patientsTable, ...(server && { serverUrl: server.url() }) })
  const sandbox = await testSandbox()
  releases.push(database, sandbox)
  const start = async (waitFor: 'streaming' | 'blocked' | null = 'streaming') => {
    const connector = await startConnector({ database, sandbox, config: { source }, waitFor })
    releases.push(connector)
    return connector
  }
  const connector = await start()
  await database.query(`insert into patients (code) values ('jane')`)
  await connector.whenPatient('jane')
  return {
    database,
    sandbox,
    connector,
    slot: connector.slot,
    start,
    async [Symbol.asyncDispose]() {
      for (const release of releases.reverse()) await release[Symbol.asyncDispose]()
    },
  }
}

type Stand = Awaited<ReturnType<typeof stand>>

async function slotOf({ database, slot }: Pick<Stand, 'database' | 'slot'>) {
  const [found] = await database.query(
    'select wal_status, confirmed_flush_lsn as confirmed, active from pg_replication_slots where slot_name = $1',
    [slot],
  )
  return found ?? null
}

async function checkpointOf(database: TestDatabase) {
  const [found] = await database.query(
    `select lsn, encode(fingerprint_salt, 'hex') as salt from mediquo_cdc.checkpoint`,
  )
  return { lsn: parseLsn(found?.lsn ?? ''), salt: found?.salt }
}

/** Returns the reasons of the requested backfill runs, without those that a later one replaced. */
async function passesOf(database: TestDatabase) {
  const rows = await database.query(`select reason from mediquo_cdc.backfill where state <> 'replaced' order by id`)
  return rows.map(({ reason }) => reason)
}

async function drop({ database, slot }: Pick<Stand, 'database' | 'slot'>) {
  // In one statement, because a walsender that reconnects would hold the slot again.
  await database.query(
    `select pg_drop_replication_slot(slot_name) from (
       select slot_name, active_pid is null or pg_terminate_backend(active_pid, 5000) as is_free
       from pg_replication_slots where slot_name = $1 offset 0) slot where is_free`,
    [slot],
  )
}

/** Writes WAL until the server has removed the WAL of the slot. */
async function outgrow({ database, slot }: Pick<Stand, 'database' | 'slot'>) {
  await until(
    async () => {
      await database.query(`select pg_logical_emit_message(false, 'a', 'b'), pg_switch_wal()`)
      await database.query('checkpoint')
      return (await slotOf({ database, slot }))?.wal_status === 'lost'
    },
    { deadlineMs: 60_000 },
  )
}

/** Resolves once the connector streams, also after it was blocked. */
async function isStreaming(connector: RunningConnector) {
  const states = ['streaming', 'backfilling']
  await until(async () => states.includes((await connector.status()).state), { deadlineMs: 60_000 })
}

const lossLogged = 'changes were lost with the replication slot, a backfill follows'

/** Checks that the slot exists again with the checkpoint at its start, a backfill is requested, and new changes are delivered. */
async function expectRenewed({ database, slot }: Pick<Stand, 'database' | 'slot'>, connector: RunningConnector) {
  await connector.whenLogged(lossLogged)
  await isStreaming(connector)
  expect(await slotOf({ database, slot })).toMatchObject({ wal_status: 'reserved', active: 't' })
  expect(await passesOf(database)).toEqual(['slot lost'])
  await database.query(`insert into patients (code) values ('after')`)
  await connector.whenPatient('after')
}

/** Ways to lose a slot, with the text of the reason; `isRunning`: the connector streams in the meantime. */
interface Way {
  readonly isRunning: boolean
  readonly server: (() => Promise<EmbeddedServer>) | null
  readonly reason: string
  lose(stand: Stand): Promise<void>
}

const smallServer = () => ownServer({ max_slot_wal_keep_size: '1MB', min_wal_size: '32MB', max_wal_size: '64MB' })

const ways: Readonly<Record<string, Way>> = {
  'dropped while the connector is stopped': { isRunning: false, server: null, reason: 'is gone', lose: drop },
  'dropped while it streams': { isRunning: true, server: null, reason: 'is gone', lose: drop },
  'out of WAL while the connector is stopped': {
    isRunning: false,
    server: smallServer,
    reason: 'has removed WAL',
    lose: outgrow,
  },
  'out of WAL while nothing can be delivered': {
    isRunning: true,
    server: smallServer,
    reason: 'has removed WAL',
    async lose(stand) {
      stand.sandbox.faults.add({ kind: 'down' })
      await stand.database.query(`insert into patients (code) values ('waiting')`)
      await until(async () => (await stand.connector.status()).delivery.pending > 0)
      await outgrow(stand)
      stand.sandbox.faults.clear()
    },
  },
}

// These tests wait most of the time.
describe.concurrent.each(Object.entries(ways))('a slot %s', (_, { isRunning, server: makeServer, reason, lose }) => {
  test('is recreated, and a backfill is requested', async () => {
    await using server = makeServer && (await makeServer())
    await using lost = await stand({}, server)
    const { database, connector } = lost
    if (!isRunning) await connector.stop()
    const before = await checkpointOf(database)

    await lose(lost)

    const later = isRunning ? connector : await lost.start()
    await expectRenewed(lost, later)
    const after = await checkpointOf(database)
    expect(after.lsn).toBeGreaterThan(before.lsn)
    expect(after.salt).toBe(before.salt)
    expect(later.log.filter(({ msg }) => msg === lossLogged)).toHaveLength(1)
  }, 120_000)

  test('blocks if the setting says so, and continues by itself once it is adopted', async () => {
    await using server = makeServer && (await makeServer())
    const source = { onSlotLost: 'stop' }
    await using lost = await stand(source, server)
    const { database, connector } = lost
    if (!isRunning) await connector.stop()
    const before = await checkpointOf(database)

    await lose(lost)

    const later = isRunning ? connector : await lost.start('blocked')
    const blocked = await later.whenState('blocked')
    expect(blocked.reason).toContain(reason)
    expect(blocked.reason).toMatch(/source\.onSlotLost to backfill, or run "mediquo-cdc adopt"/)
    expect(await passesOf(database)).toEqual([])
    expect((await checkpointOf(database)).salt).toBe(before.salt)

    const adopted = await runCommand(['adopt'], { database, source })
    expect(adopted).toMatchObject({ status: 0, text: expect.stringContaining('was recreated, and a backfill') })
    await isStreaming(later)
    await database.query(`insert into patients (code) values ('after')`)
    await later.whenPatient('after')
    expect(await passesOf(database)).toEqual(['slot lost'])
    expect((await runCommand(['adopt'], { database, source })).text).toContain('nothing to adopt')
    expect(await passesOf(database)).toEqual(['slot lost'])
  }, 120_000)
})

test.concurrent('a slot that the server invalidated because it was unused is recreated', async ({ skip }) => {
  await using server = await ownServer()
  await using lost = await stand({}, server)
  const { database, connector } = lost
  const [version] = await database.query(`select current_setting('server_version_num')::int >= 180000 as has_timeout`)
  if (version?.has_timeout !== 't') return skip('PostgreSQL 18 has idle_replication_slot_timeout')
  await connector.stop()
  await database.query(`alter system set idle_replication_slot_timeout = '1s'`)
  await database.query('select pg_reload_conf()')

  await until(async () => {
    await database.query('checkpoint')
    return (await slotOf(lost))?.wal_status === 'lost'
  })

  await database.query('alter system reset idle_replication_slot_timeout')
  await database.query('select pg_reload_conf()')
  await expectRenewed(lost, await lost.start())
}, 120_000)

test.concurrent.each(['moved by somebody else', 'dropped and made again by hand'])(
  'a slot %s while the connector is stopped is kept, and no fingerprint counts',
  async (way) => {
    await using lost = await stand()
    const { database, connector, slot } = lost
    await connector.stop()
    const before = await checkpointOf(database)
    await database.query(`insert into patients (code) values ('missed')`)
    if (way === 'moved by somebody else') {
      // The server needs a moment to notice that the connector has gone.
      await until(() => database.query('select pg_replication_slot_advance($1, pg_current_wal_lsn())', [slot]))
    } else {
      await drop(lost)
      await database.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot])
    }
    const moved = await slotOf(lost)

    const later = await lost.start()

    const line = await later.whenLogged(lossLogged)
    expect(line).toMatchObject({ loss: 'ahead', slotLsn: moved?.confirmed })
    await expectRenewed(lost, later)
    expect((await checkpointOf(database)).salt).not.toBe(before.salt)
  },
  120_000,
)

test.concurrent('a slot that is dropped and created again by hand while the connector streams is detected', async () => {
  await using lost = await stand()
  const { database, connector, slot } = lost
  await drop(lost)
  await database.query(`insert into patients (code) values ('missed')`)
  await database.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot])
  await expectRenewed(lost, connector)
}, 120_000)

test.concurrent('a publication that is dropped while the connector streams is created again, with the slot', async () => {
  await using lost = await stand()
  const { database, connector } = lost
  await database.query('drop publication mediquo_cdc')
  await expectRenewed(lost, connector)
}, 120_000)

test.concurrent('a publication that is dropped and created again immediately is detected, because changes in between are not published', async () => {
  await using lost = await stand()
  const { database, connector } = lost
  await database.query('drop publication mediquo_cdc')
  await database.query(`insert into patients (code) values ('unpublished')`)
  await database.query('create publication mediquo_cdc for table patients')
  // The server stops the stream, unless the watch over the table is faster. Either way the table is read.
  await connector.whenPatient('unpublished')
  await until(async () => (await passesOf(database)).length > 0)
  expect(['slot lost', 'table altered']).toEqual(expect.arrayContaining(await passesOf(database)))
  await database.query(`insert into patients (code) values ('after')`)
  await connector.whenPatient('after')
}, 120_000)

test.concurrent('a slot that was created since it was checked is not dropped', async () => {
  await using database = await testDatabase()
  const slot = `slot_${database.name}`
  const make = () => database.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot])
  await make()
  const found = await slotOf({ database, slot })
  await dropSlot(database, slot)
  await make()
  const made = await slotOf({ database, slot })
  const pool = newPool({ connectionString: database.url })
  try {
    await dropSlotAsFound(pool, slot, found?.confirmed ?? null)
    expect(await slotOf({ database, slot })).toEqual(made)
    await dropSlotAsFound(pool, slot, made?.confirmed ?? null)
    expect(await slotOf({ database, slot })).toBeNull()
  } finally {
    await pool.end()
  }
})

test.concurrent('one of two instances recreates the slot, and the other one stands by', async () => {
  await using lost = await stand()
  const { database, connector: first } = lost
  const second = await lost.start(null)
  await second.whenState('standby')

  await drop(lost)

  const states = async () => [(await first.status()).state, (await second.status()).state]
  await until(async () => {
    const now = (await states()).map((state) => (state === 'backfilling' ? 'streaming' : state)).sort()
    return now.join() === 'standby,streaming' && (await passesOf(database)).length === 1
  })
  await database.query(`insert into patients (code) values ('after')`)
  await first.whenPatient('after')
  const logged = [...first.log, ...second.log].filter(({ msg }) => msg === lossLogged)
  expect(logged).toHaveLength(1)
}, 120_000)
