import { ConnectorError } from '../model/failure/connector-error.ts'

/** Message types. PostgreSQL manual, "Logical Replication Message Formats". */
const kinds = new Map(
  Object.entries({
    B: 'BEGIN',
    C: 'COMMIT',
    D: 'DELETE',
    I: 'INSERT',
    M: 'a logical message',
    O: 'an origin',
    R: 'a relation',
    T: 'TRUNCATE',
    U: 'UPDATE',
    Y: 'a type',
  }).map(([letter, kind]) => [letter.charCodeAt(0), kind]),
)

/**
 * Returns the error for a message that is not in the protocol's format. Its bytes are a row's values and are not quoted. A new
 * connection receives it again. @param kind the message's first byte; undefined if the message is empty.
 */
export function malformedMessage(kind: number | undefined, length: number): ConnectorError {
  const name = kinds.get(kind ?? 0) ?? 'of no known kind'
  return new ConnectorError(
    'stream malformed',
    `a message of the replication stream is not of the protocol’s form (${name}, ${length} bytes)`,
  )
}
