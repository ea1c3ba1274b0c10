// Server side of the protocol: messages of pgoutput, version 1, as bytes. PostgreSQL manual, "Logical Replication Message Formats".

/** Value of a tuple: NULL, unchanged out-of-line, text, or in the binary format of the type. */
export type Sent = null | 'unchanged' | { readonly text: string } | { readonly binary: string }

export interface SentColumn {
  readonly name: string
  readonly inIdentity: boolean
  /** Object id of the type; that of `text` by default. */
  readonly typeOid?: number
}

export type Sending =
  | { readonly kind: 'begin'; readonly lsn: bigint; readonly committedAtUs: bigint; readonly xid: number }
  | { readonly kind: 'commit'; readonly lsn: bigint; readonly committedAtUs: bigint }
  | { readonly kind: 'relation'; readonly oid: number; readonly columns: readonly SentColumn[] }
  | { readonly kind: 'insert'; readonly oid: number; readonly row: readonly Sent[] }
  | {
      readonly kind: 'update'
      readonly oid: number
      readonly before: { readonly letter: 'K' | 'O'; readonly row: readonly Sent[] } | null
      readonly row: readonly Sent[]
    }
  | { readonly kind: 'delete'; readonly oid: number; readonly letter: 'K' | 'O'; readonly row: readonly Sent[] }
  | { readonly kind: 'truncate'; readonly oids: readonly number[] }

export function bytesOf(message: Sending): Buffer {
  switch (message.kind) {
    case 'begin':
      return Buffer.concat([letter('B'), int64(message.lsn), int64(message.committedAtUs), int32(message.xid)])
    case 'commit':
      return Buffer.concat([
        letter('C'),
        Buffer.of(0),
        int64(message.lsn - 8n),
        int64(message.lsn),
        int64(message.committedAtUs),
      ])
    case 'relation':
      return Buffer.concat([
        letter('R'),
        int32(message.oid),
        cString('public'),
        cString('patients'),
        letter('d'),
        int16(message.columns.length),
        ...message.columns.flatMap(({ name, inIdentity, typeOid = 25 }) => [
          Buffer.of(inIdentity ? 1 : 0),
          cString(name),
          int32(typeOid),
          int32(-1),
        ]),
      ])
    case 'insert':
      return Buffer.concat([letter('I'), int32(message.oid), letter('N'), tuple(message.row)])
    case 'update':
      return Buffer.concat([
        letter('U'),
        int32(message.oid),
        ...(message.before ? [letter(message.before.letter), tuple(message.before.row)] : []),
        letter('N'),
        tuple(message.row),
      ])
    case 'delete':
      return Buffer.concat([letter('D'), int32(message.oid), letter(message.letter), tuple(message.row)])
    case 'truncate':
      return Buffer.concat([letter('T'), int32(message.oids.length), Buffer.of(0), ...message.oids.map(int32)])
  }
}

function tuple(row: readonly Sent[]): Buffer {
  return Buffer.concat([int16(row.length), ...row.map(field)])
}

function field(value: Sent): Buffer {
  if (value === null) return letter('n')
  if (value === 'unchanged') return letter('u')
  const content = Buffer.from('text' in value ? value.text : value.binary)
  return Buffer.concat([letter('text' in value ? 't' : 'b'), int32(content.length), content])
}

function letter(character: string): Buffer {
  return Buffer.from(character, 'latin1')
}
function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`)
}
function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value | 0)
  return bytes
}
function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value))
  return bytes
}
