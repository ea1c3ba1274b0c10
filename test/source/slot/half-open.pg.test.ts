import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { open } from '../../checkpoint/store/store-scene.ts'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { type ConnectorOptions, patientsTable, type RunningConnector, startConnector } from '../../support/connector.ts'
import { type PassingClocks, passingClocks } from '../../support/passing-clocks.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { tcpRelay } from '../../support/tcp-relay.ts'
import { until } from '../../support/until.ts'

/** Requests are given up soon, so that the lease is short. Queries too, so that the first instance soon knows that it cannot write. */
const quick = {
  config: { mediquo: { requestTimeout: '2s' } },
  sessions: { queryTimeoutMs: 1_000, lifetimeSeconds: 60 },
} satisfies ConnectorOptions

/** Starts an instance whose connections to the database go through a relay, and another one that stands by. Jane is delivered. */
async function twoInstances(options: ConnectorOptions, clocks?: PassingClocks) {
  const releases: AsyncDisposable[] = []
  const kept = <T extends AsyncDisposable>(resource: T): T => {
    releases.push(resource)
    return resource
  }
  const database = kept(await testDatabase({ schema: patientsTable }))
  const sandbox = kept(await testSandbox())
  const relay = kept(await tcpRelay(Number(new URL(database.url).port)))
  const through = new URL(database.url)
  through.port = `${relay.port}`
  const shared = { ...options, database, sandbox }
  const first = kept(await startConnector({ ...shared, environment: { DATABASE_URL: through.href } }))
  const second = kept(await startConnector({ ...shared, clocks, waitFor: 'standby' }))
  await database.query(`insert into patients (code, first_name, plan) values ('jane', 'V0', 'premium')`)
  await first.whenPatient('jane')
  await first.whenSettled()
  const cutOff = async () => {
    relay.stall()
    await freeSlot(database, first)
  }
  return {
    ...{ database, sandbox, first, second, cutOff },
    async [Symbol.asyncDispose]() {
      // A connection that was stalled ends, so that the first instance stops without waiting for it.
      relay.goOn()
      relay.reset()
      for (const resource of releases.reverse()) await resource[Symbol.asyncDispose]()
    },
  }
}

/** Ends the walsender, as a restart of the server or a reset does. The instance behind the stalled relay is not told. */
async function freeSlot(database: TestDatabase, { slot }: Pick<RunningConnector, 'slot'>): Promise<void> {
  await database.query('select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1', [slot])
}

test('an instance behind a half-open link does not repeat what it could not send while it was the writer', async () => {
  await using scene = await twoInstances(quick)
  const { database, sandbox, first, second } = scene
  // The API asks the first instance to come back later.
  sandbox.faults.add({ kind: '429', retryAfter: 2, endpoint: 'put', times: 1 })
  await database.query(`update patients set first_name = 'V1'`)
  await until(async () => (await first.status()).delivery.lastError === 'status 429')
  await scene.cutOff()
  await database.query(`update patients set first_name = 'V2', plan = null`)
  await second.whenPatient('jane', ({ first_name }) => first_name === 'V2')
  await first.whenLogged('the state cannot be written, trying again')
  const sent = sandbox.requests.filter(({ endpoint }) => endpoint === 'put').map(({ status }) => status)
  expect(sent).toEqual([200, 429, 200])
  expect(sandbox.patients().get('jane')).toMatchObject({ first_name: 'V2', plan: null })
})

test('an instance that takes over sends only after the requests of the other one are over, and says so', async () => {
  const clocks = passingClocks()
  await using scene = await twoInstances({ ...quick, config: {} }, clocks)
  const { database, sandbox, second } = scene
  const ready = async () => (await fetch(`http://127.0.0.1:${second.port()}/readyz`)).status
  sandbox.faults.add({ kind: 'hold', id: 'V1', when: 'before applying', endpoint: 'put', times: 1 })
  await database.query(`update patients set first_name = 'V1'`)
  await until(() => sandbox.faults.list().length === 0)
  await scene.cutOff()
  await database.query(`update patients set first_name = 'V2', plan = null`)
  const { reason } = await second.whenState('streaming')
  expect(reason).toMatch(/^waits until \d\d:\d\d:\d\d UTC for the lease of the instance before$/)
  expect(await ready()).toBe(503)
  sandbox.faults.release('V1')
  await second.whenPatient('jane', ({ first_name }) => first_name === 'V1')
  expect(sandbox.requests.filter(({ endpoint }) => endpoint === 'put')).toHaveLength(2)
  clocks.pass(40_000)
  // What comes from the stream makes the connector look at its clock.
  await database.query(`insert into patients (code) values ('john')`)
  await second.whenPatient('john')
  await second.whenPatient('jane', ({ first_name }) => first_name === 'V2')
  expect(await ready()).toBe(200)
})

test('an instance that was stopped keeps no other one waiting', async () => {
  await using first = await startConnector()
  const { database, sandbox } = first
  await database.query(`insert into patients (code) values ('jane')`)
  await first.whenPatient('jane')
  await first.stop()
  await using second = await startConnector({ database, sandbox })
  expect((await second.status()).reason).toBeNull()
  expect(second.log.filter(({ msg }) => msg === 'waiting for the lease of the instance before')).toEqual([])
})

/** Advisory lock for which an instance waits when it takes over. Its start writes to the checkpoint before that. */
const takeOver = 1

test('an instance whose connection is lost before it has become the writer does not send as one', async () => {
  await using state = await testDatabase()
  await using before = await startConnector({ config: { state: { url: state.url } } })
  const { database, sandbox, slot } = before
  await before.stop()
  await using store = open(state.url)
  const epoch = async () => (await store.store.load())?.epoch
  const connections = (allowed: boolean) =>
    state.query(`alter database ${database.name} allow_connections ${allowed}`).then(() => undefined)
  await state.query(`create function mediquo_cdc.wait() returns trigger language plpgsql
    as 'begin perform pg_advisory_xact_lock(${takeOver}); return new; end'`)
  await state.query(`create trigger wait before update of run on mediquo_cdc.checkpoint
    for each row execute function mediquo_cdc.wait()`)
  const { connector } = await store.db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${takeOver})`)
    const started = await startConnector({ database, sandbox, config: { state: { url: state.url } }, waitFor: null })
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    await until(async () => (await state.query(waiting)).length > 0)
    await freeSlot(database, { slot })
    await connections(false)
    await until(async () => (await started.status()).reason !== null)
    return { connector: started }
  })
  await using _ = connector
  await until(async () => (await epoch()) === 2)
  expect((await connector.status()).state).toBe('starting')
  await connections(true)
  await connector.whenState('streaming')
  expect(await epoch()).toBe(3)
  await database.query(`insert into patients (code) values ('jane')`)
  await connector.whenPatient('jane')
})
