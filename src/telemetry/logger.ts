import { destination, type Logger, pino } from 'pino'
import { ConnectorError } from '../model/failure/connector-error.ts'
import { failures } from '../model/failure/failure.ts'
import { codeOf, unwrapped } from '../model/failure/kind-of.ts'

export type { Logger } from 'pino'

/** Creates the log: one JSON object a line on standard error, since standard output is for results. */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
    },
    destination({ dest: 2, sync: true }),
  )
}

/**
 * Describes an error for the log: name, code and message. It leaves out PostgreSQL's `detail`, `where` and `hint`, which can quote a row's
 * values, and the message of a wrapper such as drizzle's, which quotes the parameters.
 */
export function describeError(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof Error)) return { message: 'not an error' }
  const inner = unwrapped(error)
  const message = inner instanceof Error ? inner.message : ''
  const code = codeOf(error) ?? (inner instanceof ConnectorError ? failures[inner.kind].code : codeOf(inner))
  return { name: error.name, ...(code ? { code } : {}), message }
}
