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

/** A message that is not in the protocol's format. Its bytes are a row's values and are not quoted. A new connection receives it again. */
export class MalformedMessageError extends Error {
  override readonly name = 'MalformedMessageError'
  /** @param kind the message's first byte; undefined if the message is empty. */
  constructor(kind: number | undefined, length: number) {
    const name = kinds.get(kind ?? 0) ?? 'of no known kind'
    super(`a message of the replication stream is not of the protocol’s form (${name}, ${length} bytes)`)
  }
}
