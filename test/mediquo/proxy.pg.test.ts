import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { defaultKeys } from '../../src/sandbox/sandbox-state.ts'
import { workspace } from '../config/loading.ts'
import { testSandbox } from '../sandbox/sandbox-client.ts'
import { patientsTable } from '../support/connector.ts'
import { startProcess } from '../support/crash/crash-process.ts'
import { connectProxy } from '../support/network/connect-proxy.ts'
import { tlsFront } from '../support/network/tls-front.ts'
import { testDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const apiHost = 'api.mediquo.test'

/** Starts a sandbox behind TLS. */
async function privateApi() {
  const sandbox = await testSandbox()
  const front = await tlsFront({ hosts: [apiHost, 'localhost'], to: sandbox.port })
  return {
    sandbox,
    ca: front.ca,
    port: front.port,
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]()
      await sandbox.close()
    },
  }
}

/** Runs the connector as a process, inserts a patient, and waits until it is delivered. */
async function deliverOne(api: Awaited<ReturnType<typeof privateApi>>, env: Readonly<Record<string, string>>) {
  await using database = await testDatabase({ schema: patientsTable })
  const source = { table: 'public.patients', slot: `slot_${database.name}`, backfill: 'never' }
  const files = { 'mediquo-cdc.yaml': stringify({ source, http: { port: 0 } }), 'ca.pem': api.ca }
  using directory = workspace(files)
  const connector = startProcess(`${directory.cwd}/mediquo-cdc.yaml`, {
    DATABASE_URL: database.url,
    MEDIQUO_API_KEY: defaultKeys.apiKey,
    MEDIQUO_SECRET_KEY: defaultKeys.secretKey,
    NODE_EXTRA_CA_CERTS: `${directory.cwd}/ca.pem`,
    ...env,
  })
  try {
    await connector.reached('streaming')
    await database.query(`insert into patients (code) values ('jane')`)
    await until(() => api.sandbox.patients().has('jane')).catch((error: unknown) => {
      throw new Error(connector.lastLines.join('\n'), { cause: error })
    })
    expect(await connector.stop()).toBe(0)
    expect(await database.query('select 1 from mediquo_cdc.dead_letter')).toEqual([])
  } finally {
    await connector.kill()
  }
}

test('reaches an API behind a proxy, by a host name that only the proxy resolves, with a private CA', async () => {
  await using api = await privateApi()
  await using proxy = await connectProxy({ to: api.port })
  await deliverOne(api, {
    MEDIQUO_BASE_URL: `https://${apiHost}/v1`,
    HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
  })
  expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${apiHost}:443`]))
})

test('connects to a host in NO_PROXY without the proxy', async () => {
  await using api = await privateApi()
  await using proxy = await connectProxy({ to: 'refuses' })
  await deliverOne(api, {
    MEDIQUO_BASE_URL: `https://localhost:${api.port}/v1`,
    HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
    NO_PROXY: 'example.com,localhost',
  })
  expect(proxy.asked).toEqual([])
})
