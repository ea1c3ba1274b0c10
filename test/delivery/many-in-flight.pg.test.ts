import { expect, test } from 'vitest'
import { patientsTable, startConnector } from '../support/connector.ts'
import { until } from '../support/until.ts'

// Node warns on stderr, between the lines of the log, of a memory leak once more than ten listeners wait for one signal.
test('many concurrent requests cause no leak, and no warning of one', async () => {
  const warnings: string[] = []
  const hear = (warning: Error) => void warnings.push(warning.message)
  process.on('warning', hear)
  try {
    await using connector = await startConnector({
      schema: patientsTable,
      config: { mediquo: { batchSize: 1, maxInFlight: 20, requestsPerMinute: 6_000 } },
    })
    const { database, sandbox } = connector
    sandbox.faults.add({ kind: 'slow', delayMs: 400, endpoint: 'put', times: null })
    await database.query(`insert into patients (code) select 'p' || n from generate_series(1, 300) n`)
    await until(async () => (await connector.status()).delivery.inFlight > 10)
    sandbox.faults.clear()
    await connector.whenSettled()
  } finally {
    process.off('warning', hear)
  }
  expect(warnings).toEqual([])
})
