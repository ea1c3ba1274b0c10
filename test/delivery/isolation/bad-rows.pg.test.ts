import { describe, expect, test } from 'vitest'
import type { SandboxApi } from '../../../src/sandbox/api-server.ts'
import { rateLimit, testSandbox } from '../../sandbox/sandbox-client.ts'
import { patientsTable, startConnector } from '../../support/connector.ts'
import { until } from '../../support/until.ts'

const hundred = "insert into patients (code, plan) select 'c' || n, 'p' from generate_series(0, 99) n"
const codesOf = (rows: readonly number[]) => rows.map((row) => `c${row}`)
const puts = (sandbox: SandboxApi) => sandbox.requests.filter(({ method }) => method === 'PUT')

describe('bad rows in a batch of a hundred, from the table to the dead letters', () => {
  test.for([
    ['errors', [0], 2],
    ['errors', [3, 4, 50, 98, 99, 12, 77], 2],
    ['first error only', [7, 30, 99], 4],
    ['message only', [7, 30, 99], 4],
    ['no hint', [42], 9],
    ['no hint', [0, 99], 17],
    ['no hint', [0, 1, 2, 3, 4], 41],
    ['no hint', [99, 11, 45, 46, 80], 41],
  ] as const)('%s, rows %j: at most %i requests', { timeout: 120_000 }, async ([errorHints, bad, most]) => {
    await using sandbox = await testSandbox({ settings: { errorHints, rateLimit } })
    sandbox.reject({ codes: codesOf(bad) })
    // Rows of a backfill leave in full batches.
    await using connector = await startConnector({
      sandbox,
      schema: `${patientsTable} ${hundred}`,
      config: { mediquo: {}, source: { backfill: 'initial' } },
      waitFor: null,
    })
    const { database } = connector
    await connector.whenState('streaming')
    const letters = async () =>
      (await database.query('select code, attributes::text from mediquo_cdc.dead_letter')).map(({ code }) => code)
    await until(async () => (await letters()).length === bad.length, { deadlineMs: 60_000 })
    await connector.whenSettled()
    await sandbox.applied()
    expect((await letters()).toSorted()).toEqual(codesOf(bad).toSorted())
    expect(sandbox.patients().size).toBe(100 - bad.length)
    expect(puts(sandbox).length).toBeLessThanOrEqual(most)
    if (errorHints === 'errors' || errorHints === 'first error only') {
      const [{ attributes } = {}] = await database.query(
        'select distinct attributes::text as attributes from mediquo_cdc.dead_letter',
      )
      expect(attributes).toContain('email')
    }
    // An accepted version clears the dead letter.
    sandbox.clearRejections()
    await database.query('update patients set first_name = $1 where code = $2', ['Better', `c${bad[0]}`])
    await connector.whenPatient(`c${bad[0]}`, ({ first_name }) => first_name === 'Better')
    await until(async () => (await letters()).length === bad.length - 1)
  })

  test('rejects a row for which the API fails with 5xx, while the others are delivered', {
    timeout: 120_000,
  }, async () => {
    await using sandbox = await testSandbox({ settings: { rateLimit } })
    sandbox.reject({ codes: ['c42'], status: 500 })
    await using connector = await startConnector({ sandbox, config: { mediquo: {} } })
    const { database } = connector
    await database.query(hundred)
    const letters = async () => await database.query('select code, status from mediquo_cdc.dead_letter')
    let change = 0
    const goOn = async () => {
      await database.query("insert into patients (code, plan) values ('other' || $1::int, 'p')", [++change])
      return (await letters()).length > 0
    }
    await until(goOn, { deadlineMs: 100_000 })
    expect(await letters()).toMatchObject([{ code: 'c42' }])
    await connector.whenSettled()
    await sandbox.applied()
    expect(sandbox.patients().size).toBe(99 + change)
  })
})

describe('an API that refuses every patient alike', () => {
  test.for([
    ['errors', 100],
    ['no hint', 100],
    ['errors', 1_000],
    ['no hint', 1_000],
  ] as const)(
    '%s, %i rows: sending halts, no row is rejected, and it resumes by itself',
    { timeout: 120_000 },
    async ([errorHints, rows]) => {
      await using sandbox = await testSandbox({ settings: { errorHints, rateLimit } })
      const codes = Array.from({ length: rows }, (_, row) => `c${row}`)
      sandbox.reject({ codes })
      await using connector = await startConnector({ sandbox, config: { mediquo: {} } })
      const { database } = connector
      await database.query(
        "insert into patients (code, plan) select 'c' || n, 'p' from generate_series(0, $1::int - 1) n",
        [rows],
      )
      const reason = async () => (await connector.status()).reason ?? ''
      const isHalted = async () => (await reason()).includes('refuses every patient alike')
      await until(isHalted, { deadlineMs: 30_000 })
      const halted = connector.log.findIndex(({ msg }) => msg.startsWith('sending halted'))
      expect(halted).toBeGreaterThan(0)
      const refused = connector.log.slice(0, halted).filter(({ msg }) => msg.includes('refused'))
      expect(refused.length).toBeLessThanOrEqual(10)
      expect(await database.query('select code from mediquo_cdc.dead_letter')).toEqual([])
      sandbox.clearRejections()
      await until(() => sandbox.patients().size === rows, { deadlineMs: 60_000 })
      await connector.whenSettled()
      expect([await reason(), await database.query('select code from mediquo_cdc.dead_letter')]).toEqual(['', []])
    },
  )
})
