import { CommanderError } from 'commander'
import { describeConnectionFailure } from '../source/connection/connection-failure.ts'
import { describeError } from '../telemetry/logger.ts'

/** Returns the exit status of a failed command and the text to print: one sentence per problem, no stack trace, no value of a row. */
export function explainFailure(error: unknown): { readonly status: number; readonly message: string | null } {
  // commander has already printed its own message.
  if (error instanceof CommanderError) return { status: error.exitCode === 0 ? 0 : 2, message: null }
  if (error instanceof Error && 'exitStatus' in error && typeof error.exitStatus === 'number') {
    return { status: error.exitStatus, message: error.message }
  }
  if (isTaken(error))
    return {
      status: 1,
      message: `${error.message}: end what listens there, or name another port (HTTP_PORT; of the sandbox --port)`,
    }
  const failure = describeConnectionFailure(error, 'PostgreSQL')
  if (failure.kind !== 'other') return { status: 3, message: failure.sentence }
  const { name, code, message } = describeError(error)
  return { status: 1, message: `${[name, code].filter(Boolean).join(' ')}: ${message}` }
}

/** Returns true if the port to listen on is in use. */
function isTaken(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}
