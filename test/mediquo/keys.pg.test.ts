import { join } from 'node:path'
import { expect, test } from 'vitest'
import { defaultKeys } from '../../src/sandbox/sandbox-state.ts'
import { workspace } from '../config/loading.ts'
import { patientsTable, startConnector } from '../support/connector.ts'
import { until } from '../support/until.ts'

const newKeys = { apiKey: 'new-api-key', secretKey: 'new-secret-key' }

/** Creates both keys in files, as in the mount of a secret. */
function keyFiles() {
  const directory = workspace()
  const write = ({ apiKey, secretKey }: typeof newKeys) => {
    directory.write('api', `${apiKey}\n`)
    directory.write('secret', `${secretKey}\n`)
  }
  write(defaultKeys)
  const environment = {
    MEDIQUO_API_KEY: undefined,
    MEDIQUO_SECRET_KEY: undefined,
    MEDIQUO_API_KEY_FILE: join(directory.cwd, 'api'),
    MEDIQUO_SECRET_KEY_FILE: join(directory.cwd, 'secret'),
  }
  return { write, environment, [Symbol.dispose]: () => directory[Symbol.dispose]() }
}

test('keys that change at the API first are read from their files as soon as they are there, and nothing is lost', async () => {
  using files = keyFiles()
  await using connector = await startConnector({
    schema: `${patientsTable} insert into patients (code) select 'p' || n from generate_series(1, 1500) n;`,
    environment: files.environment,
    config: { source: { backfill: 'initial' }, mediquo: { requestsPerMinute: 300 } },
    waitFor: 'backfilling',
  })
  const { database, sandbox } = connector
  await connector.whenPatient('p100')
  sandbox.setKeys(newKeys)
  await until(async () => (await connector.status()).delivery.lastError === 'key refused')
  await database.query(`insert into patients (code) values ('new')`)
  await database.query(`update patients set first_name = 'Changed' where code in ('p1', 'p1500')`)
  expect((await connector.status()).reason).toBe('key refused')
  files.write(newKeys)

  for (const code of ['p1', 'p1500']) await connector.whenPatient(code, ({ first_name }) => first_name === 'Changed')
  await connector.whenState('streaming')
  await connector.whenSettled()
  expect(sandbox.patients().size).toBe(1_501)
  expect((await connector.status()).deadLetters).toBe(0)
  expect(connector.log.filter(({ msg }) => msg === 'keys read again from their files')).toHaveLength(1)
})

test('keys that change in their files first cost one refused request, also while a code is to be read back', async () => {
  using files = keyFiles()
  await using connector = await startConnector({
    environment: files.environment,
    config: { source: { onDelete: 'unsubscribe' } },
  })
  const { database, sandbox } = connector
  await database.query(`insert into patients (code, plan) values ('jane', 'premium')`)
  await connector.whenPatient('jane')
  files.write(newKeys)
  sandbox.setKeys(newKeys)
  await database.query('delete from patients')
  await connector.whenPatient('jane', ({ unsubscribed_at }) => unsubscribed_at !== null)
  expect(sandbox.requests.filter(({ status }) => status === 401)).toMatchObject([{ endpoint: 'get' }])
})
