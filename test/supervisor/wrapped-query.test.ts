import { DrizzleQueryError } from 'drizzle-orm'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { explainFailure } from '../../src/cli/explain-failure.ts'
import { kindOf } from '../../src/model/failure/kind-of.ts'
import { sqlstate } from '../../src/model/failure/sqlstate.ts'
import { describeConnectionFailure } from '../../src/source/connection/connection-failure.ts'
import { openResources } from '../../src/startup/resources.ts'
import { afterPreparing, afterRunning, type NextAttempt, noneLost } from '../../src/supervisor/next-attempt.ts'
import { newBoard, statusOf } from '../../src/supervisor/status-board.ts'
import { createLogger, describeError } from '../../src/telemetry/logger.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { settingsOf } from '../config/loading.ts'

/** The key of a row, as it is stored, and the name of a column that a query has. */
const key = 'jane-1'
const statement = 'source_key'
const reason = 'permission denied for table delivery'

const failed = (cause?: Error) =>
  new DrizzleQueryError(`select ${statement} from delivery where ${statement} = $1`, [`["${key}"]`], cause)
const denied = Object.assign(new Error(reason), { code: sqlstate.insufficientPrivilege })

const wrapped = [
  ['by drizzle', failed(denied), reason],
  ['by drizzle, and again', new Error(`${statement} failed: ${key}`, { cause: failed(denied) }), reason],
  ['by drizzle, whose cause is wrapped', failed(new Error(`${statement} failed: ${key}`, { cause: denied })), reason],
  ['by drizzle without a cause', failed(), 'a query of the state failed'],
] as const

function expectCause(shown: string, text: string): void {
  expect(shown).toContain(text)
  expect(shown).not.toContain(key)
  expect(shown).not.toContain(statement)
}

describe.each(wrapped)('a failed query that is wrapped %s', (_, error, text) => {
  test('shows its cause alone in a line of the log', () => {
    const lines: string[] = []
    const logger = pino({ serializers: { error: describeError } }, { write: (line: string) => void lines.push(line) })
    logger.error({ error }, 'the state cannot be written, trying again')
    expectCause(lines.join(), text)
  })

  test('shows its cause alone on the terminal, with exit status 1', () => {
    const { status, message } = explainFailure(error)
    expect(status).toBe(1)
    expectCause(message ?? '', text)
  })

  test('shows its cause alone in a finding', () => {
    expectCause(describeConnectionFailure(error, 'the source'), text)
  })

  test.each([
    ['blocks after a pipeline', afterRunning(error, { lost: noneLost, ranMs: 1 }).next, 'blocked'],
    ['is retried at the start', preparing(error, true), 'starting'],
    ['is retried later', preparing(error, false), 'starting'],
  ] as const)('shows its cause alone in the status, and %s', async (__, next, state) => {
    expect(next.state).toBe(state)
    expectCause(next.reason, text)
    const board = Object.assign(newBoard(), { state: next.state, reason: next.reason })
    expectCause(await shownStatus(board), text)
  })
})

test('a failed query of the state says nothing about the slot of the source', () => {
  for (const code of [sqlstate.objectInUse, sqlstate.undefinedObject, sqlstate.objectNotInPrerequisiteState]) {
    const error = failed(Object.assign(new Error(reason), { code }))
    expect(kindOf(error)).toBe('state failed')
    expect(describeConnectionFailure(error, 'the source')).toBe(`the state: ${reason}`)
  }
})

function preparing(error: unknown, isFirst: boolean): NextAttempt {
  const next = afterPreparing(error, { attempt: 1, isFirst, random: 0.5 })
  if (next instanceof Error) throw next
  return next
}

async function shownStatus(board: ReturnType<typeof newBoard>): Promise<string> {
  const resources = openResources({
    settings: settingsOf(''),
    telemetry: { logger: createLogger('silent'), metrics: createMetrics('0.0.0') },
    sessions: { environmentOptions: '' },
    onConnectionError: () => undefined,
  })
  try {
    return JSON.stringify(statusOf(board, resources))
  } finally {
    await resources.close()
  }
}
