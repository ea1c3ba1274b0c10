import { CommanderError } from 'commander'
import { ConnectorError } from '../model/failure/connector-error.ts'
import { failures } from '../model/failure/failure.ts'
import { kindOf, unwrapped } from '../model/failure/kind-of.ts'
import { describeConnectionFailure } from '../source/connection/connection-failure.ts'
import { describeError } from '../telemetry/logger.ts'

/** Returns the exit status of a failed command and the text to print: one sentence per problem, no stack trace, no value of a row. */
export function explainFailure(error: unknown): { readonly status: number; readonly message: string | null } {
  const kind = kindOf(error)
  const status = failures[kind].exitStatus
  // commander has already printed its own message.
  if (error instanceof CommanderError) return { status: error.exitCode === 0 ? 0 : status, message: null }
  const inner = unwrapped(error)
  if (inner instanceof ConnectorError) return { status, message: inner.message }
  const { name, code, message } = describeError(error)
  if (kind === 'port in use')
    return {
      status,
      message: `${message}: end what listens there, or name another port (HTTP_PORT; of the sandbox --port)`,
    }
  if (status === 3) return { status, message: describeConnectionFailure(error, 'PostgreSQL') }
  return { status, message: `${[name, code].filter(Boolean).join(' ')}: ${message}` }
}
