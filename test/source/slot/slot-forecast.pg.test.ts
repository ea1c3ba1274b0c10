import { pino } from 'pino'
import { expect, test } from 'vitest'
import { parseLsn } from '../../../src/model/source/lsn.ts'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { patientsTable, type RunningConnector, startConnector } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { type PassingClocks, passingClocks } from '../../support/passing-clocks.ts'
import { postgresMajor, type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

const codes = { willBeLost: 'MQ1202', soonLost: 'MQ1203', beingLost: 'MQ1204' }

async function set(database: TestDatabase, name: string, value: string) {
  await database.query(`alter system set ${name} = '${value}'`)
  await database.query('select pg_reload_conf()')
  await until(async () => {
    const [row] = await database.query('select current_setting($1) as value', [name])
    return row?.value === value
  })
}

/** Checks follow each other closely, and each is five seconds after the one before by the clocks of the connector. */
const intervals = { checkMs: 100 }
const checkedEveryMs = 5_000

interface Observed {
  readonly connector: RunningConnector
  readonly clocks: PassingClocks
}

/** Fills WAL segments, one for each check of the slot, until a condition holds. */
async function writeUntil({ connector, clocks }: Observed, isSo: () => boolean | Promise<boolean>) {
  const { database } = connector
  await until(
    async () => {
      const [written] = await database.query(`select pg_logical_emit_message(false, 'a', 'b'), pg_switch_wal() as lsn`)
      clocks.pass(checkedEveryMs)
      await until(async () => {
        const { currentLsn } = (await connector.status()).source
        return currentLsn !== null && parseLsn(currentLsn) >= parseLsn(written?.lsn ?? '')
      })
      return isSo()
    },
    { deadlineMs: 60_000 },
  )
}

/** Returns a value of `GET /metrics`. */
async function gauge(connector: RunningConnector, name: string) {
  const listening = connector.log.find(({ msg }) => msg === 'listening')
  const text = await (await fetch(`http://127.0.0.1:${listening?.port}/metrics`)).text()
  return Number(new RegExp(`^mediquo_cdc_${name} (.+)$`, 'm').exec(text)?.[1]?.replace('Inf', 'Infinity'))
}

/** Returns the level and the code of each problem of the slot that was raised. */
const raisedBy = ({ log }: RunningConnector) =>
  log.flatMap(({ level, msg, code }) =>
    msg === 'problem raised' && Object.values(codes).includes(String(code))
      ? [[pino.levels.labels[Number(level)], code]]
      : [],
  )

/** Only the test makes checkpoints: only checkpoints remove a slot's WAL. */
const calm = { max_wal_size: '8GB', checkpoint_timeout: '1h' }

test.concurrent('a slot that an outage endangers causes warnings, more urgent ones as the loss approaches, and none once the outage is over', async () => {
  await using server = await ownServer(calm)
  await using database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
  await using sandbox = await testSandbox()
  await set(database, 'max_slot_wal_keep_size', '4GB')
  const clocks = passingClocks()
  await using connector = await startConnector({ database, sandbox, clocks, intervals })
  await database.query(`insert into patients (code) values ('jane')`)
  await connector.whenPatient('jane')
  const before = (await connector.status()).source
  expect(before).toMatchObject({ walStatus: 'reserved', secondsUntilSlotLost: null })
  expect(await gauge(connector, 'slot_seconds_until_lost')).toBe(Number.POSITIVE_INFINITY)

  // 1. WAL is written, and nothing is delivered. The time until the loss is reported, and the time to deliver the rest.
  sandbox.faults.add({ kind: 'down' })
  await database.query(`insert into patients (code) select 'P' || n from generate_series(1, 1000) n`)
  await writeUntil({ connector, clocks }, () => raisedBy(connector).length > 0)
  const warned = await connector.status()
  expect(warned.source.walStatus).toMatch(/reserved|extended/)
  expect(warned.source.secondsUntilSlotLost).toBeGreaterThan(600)
  expect(warned.source.safeWalBytes).toBeLessThan(before.safeWalBytes ?? 0)
  expect(warned.source.retainedBytesPerSecond).toBeGreaterThan(0)
  expect(warned.source.secondsToDrain).toBeGreaterThan(0)
  expect(warned.problems.filter(({ code }) => code === codes.willBeLost)).toEqual([
    expect.objectContaining({
      severity: 'warning',
      detail: expect.stringMatching(/retains .+B of WAL and will be lost in /),
      fix: expect.stringMatching(/ALTER SYSTEM SET max_slot_wal_keep_size = '\d+MB'/),
    }),
  ])
  expect(await gauge(connector, 'slot_seconds_until_lost')).toBeGreaterThan(600)
  // A check between the two answers brings another value.
  await until(async () => {
    const { safeWalBytes } = (await connector.status()).source
    return (await gauge(connector, 'slot_safe_bytes')) === safeWalBytes
  })
  expect(await gauge(connector, 'drain_seconds')).toBeGreaterThan(0)
  const line = await connector.whenRaised(codes.willBeLost)
  expect(line).toMatchObject({ slot: connector.slot, secondsUntilLost: expect.any(Number), fix: expect.any(String) })

  // 2. The limit approaches, then is passed: the slot still exists.
  await set(database, 'max_slot_wal_keep_size', '320MB')
  await connector.whenRaised(codes.soonLost)
  await set(database, 'max_slot_wal_keep_size', '16MB')
  await connector.whenRaised(codes.beingLost)
  expect(raisedBy(connector)).toEqual([
    ['warn', codes.willBeLost],
    ['error', codes.soonLost],
    ['error', codes.beingLost],
  ])

  // 3. The API answers again.
  sandbox.faults.clear()
  await connector.whenSettled()
  await until(
    async () => {
      // The slot releases WAL when the server logs its running transactions. Before version 16 it does so only every 15 s, if it is not idle.
      await database.query(
        `select pg_logical_emit_message(false, 'a', 'b')${postgresMajor >= 16 ? ', pg_log_standby_snapshot()' : ''}`,
      )
      clocks.pass(checkedEveryMs)
      return (await connector.status()).problems.length === 0
    },
    { deadlineMs: 90_000 },
  )
  const after = await connector.status()
  expect(after.problems).toEqual([])
  expect(after.source).toMatchObject({ walStatus: 'reserved', secondsUntilSlotLost: null })
  expect(await gauge(connector, 'slot_seconds_until_lost')).toBe(Number.POSITIVE_INFINITY)
  expect(connector.log.filter(({ msg }) => /changes were lost/.test(msg))).toEqual([])
}, 120_000)

test.concurrent('a slot that is lost causes a warning before', async () => {
  await using server = await ownServer({ ...calm, max_slot_wal_keep_size: '128MB' })
  await using database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
  await using sandbox = await testSandbox()
  const clocks = passingClocks()
  await using connector = await startConnector({ database, sandbox, clocks, intervals })
  sandbox.faults.add({ kind: 'down' })
  await database.query(`insert into patients (code) values ('jane')`)
  await until(async () => (await connector.status()).delivery.pending > 0)

  const seen = new Set<string | null>()
  const lossSaid = () => connector.log.findIndex(({ msg }) => msg.startsWith('changes were lost'))
  await writeUntil({ connector, clocks }, async () => {
    seen.add((await connector.status()).source.walStatus)
    await database.query('checkpoint')
    return seen.has('unreserved')
  })
  await until(() => lossSaid() >= 0)

  const warnedAt = [codes.soonLost, codes.beingLost].map((code) =>
    connector.log.findIndex((line) => line.msg === 'problem raised' && line.code === code),
  )
  expect(warnedAt.map((at) => at >= 0 && at < lossSaid())).toEqual([true, true])
  // A new slot is not in danger.
  sandbox.faults.clear()
  await connector.whenPatient('jane')
  await until(async () => {
    clocks.pass(checkedEveryMs)
    return (await connector.status()).problems.length === 0
  })
})
