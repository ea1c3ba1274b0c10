import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { problemReport } from '../../../src/model/problem/problem-report.ts'
import { workspace } from '../../config/loading.ts'
import { problems } from '../../model/problem/problems.ts'
import { listening } from '../../support/network/listening.ts'
import { quietStatus } from '../../support/quiet-status.ts'
import { runProgram } from '../run-command.ts'

/** Serves this answer to `GET /status`, and returns what `mediquo-cdc status` prints. */
async function printed(answer: unknown): Promise<string> {
  await using server = await listening(createServer((_, response) => response.end(JSON.stringify(answer))))
  using directory = workspace({
    'config/mediquo-cdc.yaml': `source: { table: public.patients }\nhttp: { port: ${server.port} }`,
  })
  const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }
  const { status, printed: text } = await runProgram(['status'], { cwd: directory.cwd, env })
  expect(status).toBe(0)
  return text
}

test('the status of a running connector lists each problem with its code, its fix and its time', async () => {
  const reports = [problems['keys refused'], problems['dead letters']].map((problem) =>
    problemReport({ problem, sinceMs: Date.parse('2026-01-01T00:00:00Z') }),
  )
  const text = await printed({ ...quietStatus, problems: reports })
  expect(text).toContain(
    'problems\n  MQ2002 critical mediQuo refuses the keys\n    the reason\n    fix: Correct the keys;',
  )
  expect(text).toContain('\n  MQ4001 warning 1,234 rows rejected\n    fix: ')
  expect(text).toContain('\n    since 2026-01-01T00:00:00.000Z')
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
})

test('the status of a connector without problems, or of another version, lists none', async () => {
  expect(await printed(quietStatus)).not.toContain('problems')
  expect(await printed({ ...quietStatus, problems: ['a sentence'] })).not.toContain('problems')
})
