import { destination, type Logger, pino } from 'pino'

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
 * values, and drizzle's message, which quotes the parameters.
 */
export function describeError(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof Error)) return { message: 'not an error' }
  const cause = error.cause instanceof Error ? error.cause : null
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null
  const message = cause ? cause.message : error.message
  const causeCode = cause && 'code' in cause && typeof cause.code === 'string' ? cause.code : null
  return { name: error.name, ...((code ?? causeCode) ? { code: code ?? causeCode ?? '' } : {}), message }
}
