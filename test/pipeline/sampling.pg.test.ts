import { expect, test } from 'vitest'
import { whenBackfilled } from '../backfill/asking.ts'
import { put } from '../sandbox/sandbox-client.ts'
import { patientsTable, type RunningConnector, startConnector } from '../support/connector.ts'
import { until } from '../support/until.ts'

const config = { source: { backfill: 'initial' }, verify: { samplePerMinute: 600 } }
const rows = (count: number) => `insert into patients (code, first_name, plan)
  select 'p' || n, 'Name ' || n, 'premium' from generate_series(1, ${count}) n;`

const readBack = ({ sandbox }: RunningConnector) =>
  sandbox.requests.filter(({ method }) => method === 'GET').flatMap(({ codes }) => codes)

async function metric({ log }: RunningConnector, name: string): Promise<number | undefined> {
  const port = log.find(({ msg }) => msg === 'listening')?.port
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(`mediquo_cdc_${name} `))
  return line === undefined ? undefined : Number(line.split(' ')[1])
}

test('reads delivered rows back while running, and counts and names differences without a value', async () => {
  await using connector = await startConnector({ schema: patientsTable + rows(3), config })
  const { sandbox, database } = connector
  await whenBackfilled(connector)
  await until(async () => ((await metric(connector, 'verified_total{result="same"}')) ?? 0) >= 3)
  expect(await metric(connector, 'drift_ratio')).toBe(0)

  await put(sandbox, [{ code: 'p2', first_name: 'Meddled', gender: 'female', birth_date: '1980-01-01' }])
  const warned = await connector.whenLogged('mediQuo holds something else than was delivered')
  expect(warned).toMatchObject({ code: 'p2', attributes: ['first_name', 'plan', 'unsubscribed_at'] })
  expect(await metric(connector, 'verified_total{result="different"}')).toBeGreaterThanOrEqual(1)
  expect(await metric(connector, 'drift_ratio')).toBeGreaterThan(0)

  sandbox.reset()
  await connector.whenLogged('mediQuo does not know a patient that was delivered')
  expect(JSON.stringify(connector.log)).not.toMatch(/Meddled|Name 2|premium/)

  // The pipeline went on in the meantime.
  await database.query(`insert into patients (code) values ('new')`)
  await connector.whenPatient('new')
})

test('continues without an API that can be read, and reads nothing back by default', async () => {
  await using connector = await startConnector({ schema: patientsTable + rows(3), config })
  await whenBackfilled(connector)
  connector.sandbox.faults.add({ kind: 'status', status: 500, endpoint: 'get', times: 1_000 })
  const requests = readBack(connector).length
  await until(() => readBack(connector).length > requests)
  await connector.database.query(`insert into patients (code) values ('new')`)
  await connector.whenPatient('new')
  expect((await connector.status()).state).toBe('streaming')
  await connector.stop()

  const { database, sandbox } = connector
  sandbox.faults.clear()
  await using again = await startConnector({ database, sandbox })
  const after = readBack(again)
  await database.query(`insert into patients (code) values ('newer')`)
  await again.whenPatient('newer')
  // The keys are checked once at the start.
  expect(readBack(again).slice(after.length)).toEqual([])
})

test('reads back only in the instance that holds the slot', async () => {
  await using connector = await startConnector({ schema: patientsTable + rows(3), config })
  const { database, sandbox } = connector
  await whenBackfilled(connector)
  await using second = await startConnector({ database, sandbox, config, waitFor: 'standby' })
  await until(async () => ((await metric(connector, 'verified_total{result="same"}')) ?? 0) >= 5)
  expect(await metric(second, 'verified_total{result="same"}')).toBeUndefined()
  await connector.stop()
  await until(async () => ((await metric(second, 'verified_total{result="same"}')) ?? 0) >= 1)
})
