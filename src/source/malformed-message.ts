/** PostgreSQL manual, "Logical Replication Message Formats". */
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

/** A message that is not of the protocol's form. Nothing of its content is told: the bytes are a row's values. A new connection brings it again. */
export class MalformedMessageError extends Error {
  override readonly name = 'MalformedMessageError'
  constructor(message: Buffer) {
    const kind = kinds.get(message[0] ?? 0) ?? 'of no known kind'
    super(`a message of the replication stream is not of the protocol’s form (${kind}, ${message.length} bytes)`)
  }
}

/** A TRUNCATE whose count of tables is not that of its bytes: the library would make room for the count before it looks. */
export function isMiscounted(message: Buffer): boolean {
  return message[0] === 0x54 && (message.length < 6 || message.length !== 6 + 4 * message.readUInt32BE(1))
}
