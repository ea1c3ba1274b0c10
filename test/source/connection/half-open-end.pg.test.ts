import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { defaultKeys } from '../../../src/sandbox/sandbox-state.ts'
import { workspace } from '../../config/loading.ts'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { startProcess } from '../../support/crash/crash-process.ts'
import { patientsTable } from '../../support/patients-table.ts'
import { testDatabase } from '../../support/postgres.ts'
import { tcpRelay } from '../../support/tcp-relay.ts'

test('a process ends on SIGTERM though no data arrives through its connections any more', async () => {
  await using database = await testDatabase({ schema: patientsTable })
  await using sandbox = await testSandbox()
  await using relay = await tcpRelay(Number(new URL(database.url).port))
  using folder = workspace({
    'config.yaml': stringify({ source: { slot: `slot_${database.name}`, backfill: 'never' }, http: { port: 0 } }),
  })
  const url = new URL(database.url)
  url.hostname = '127.0.0.1'
  url.port = `${relay.port}`
  const connector = startProcess(`${folder.cwd}/config.yaml`, {
    DATABASE_URL: url.href,
    MEDIQUO_BASE_URL: sandbox.baseUrl,
    MEDIQUO_API_KEY: defaultKeys.apiKey,
    MEDIQUO_SECRET_KEY: defaultKeys.secretKey,
  })
  await connector.reached('streaming')
  // New connections work. Existing ones receive nothing, not even their end.
  relay.stall()
  relay.goOn()
  expect(await connector.stop()).toBe(0)
}, 120_000)
