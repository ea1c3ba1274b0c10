import { expect, test } from 'vitest'
import { testSandbox } from '../sandbox/sandbox-client.ts'
import { expectBothEndsEqual } from '../support/both-ends.ts'
import { patientsTable, startConnector } from '../support/connector.ts'
import { testDatabase } from '../support/postgres.ts'

const hours = 6

test.each([
  ['hours', String(hours * 3_600)],
  ['a date', new Date(Date.now() + hours * 3_600_000).toUTCString()],
])(
  'a 429 that asks for %s is told with its end: not ready, no further request, and nothing is lost',
  async (_, retryAfter) => {
    await using database = await testDatabase({ schema: patientsTable })
    await using sandbox = await testSandbox()
    sandbox.faults.add({ kind: '429', retryAfter, endpoint: 'put', times: null })
    const puts = () => sandbox.requests.filter(({ method }) => method === 'PUT').length
    {
      await using connector = await startConnector({ database, sandbox })
      await database.query("insert into patients (code, plan) values ('a', 'p')")
      await connector.whenRaised('MQ2007')
      await database.query("insert into patients (code, plan) values ('b', 'p')")
      const { reason, problems } = await connector.status()
      const [, until = ''] = /asks to wait until (\S+Z)/.exec(reason ?? '') ?? []
      const aheadMs = Date.parse(until) - Date.now()
      expect(aheadMs).toBeGreaterThan((hours - 0.1) * 3_600_000)
      expect(aheadMs).toBeLessThan((hours + 0.1) * 3_600_000)
      expect(problems.map(({ code, detail }) => [code, detail])).toEqual([['MQ2007', reason]])
      expect((await fetch(`http://127.0.0.1:${connector.port()}/readyz`)).status).toBe(503)
      expect(puts()).toBe(1)
    }
    sandbox.faults.clear()
    // A restart tries immediately.
    await using connector = await startConnector({ database, sandbox })
    await expectBothEndsEqual(connector)
  },
)
