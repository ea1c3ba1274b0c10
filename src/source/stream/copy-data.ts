import { ConnectorError } from '../../model/failure/connector-error.ts'
import type { WalEvent } from '../../model/source/change.ts'
import { lsn } from '../../model/source/lsn.ts'
import type { Pieces } from './frame-reader.ts'

/** Turns the output plugin's messages into WAL events; supplied by `decode/`. Null: no event. */
export interface Decoder {
  /** Decodes the message at these bytes, which are not kept. */
  decode(bytes: Buffer, from: number, to: number): WalEvent | null
  /** Begins a message of this many bytes that comes in pieces. */
  decodeInPieces(length: number): {
    write(bytes: Buffer, from: number, to: number): void
    end(): WalEvent | null
  }
}

const walData = 0x77
const keepalive = 0x6b
/** Message type, WAL start, WAL end, time. */
const walHeaderBytes = 25
const keepaliveBytes = 18

/** Reads the content of CopyData. PostgreSQL manual, "Streaming Replication Protocol", XLogData and Primary keepalive message. */
export function readCopyData(decoder: Decoder, bytes: Buffer, from: number, to: number): WalEvent | null {
  const type = bytes[from]
  if (type === walData && to - from > walHeaderBytes) return decoder.decode(bytes, from + walHeaderBytes, to)
  if (type !== keepalive || to - from !== keepaliveBytes) throw notUnderstood(to - from)
  return { kind: 'keepalive', lsn: lsn(bytes.readBigUInt64BE(from + 1)), replyRequested: bytes[from + 17] === 1 }
}

/** Reads the content of a CopyData message that comes in pieces: too large for anything but WAL. */
export function readCopyDataInPieces(
  decoder: Decoder,
  length: number,
  onEvent: (event: WalEvent | null) => void,
): Pieces {
  let header = walHeaderBytes
  const message = decoder.decodeInPieces(length - walHeaderBytes)
  return {
    write(bytes, from, to) {
      if (header === walHeaderBytes && bytes[from] !== walData) throw notUnderstood(length)
      const skipped = Math.min(header, to - from)
      header -= skipped
      message.write(bytes, from + skipped, to)
    },
    end: () => onEvent(message.end()),
  }
}

function notUnderstood(length: number): ConnectorError {
  return new ConnectorError(
    'stream malformed',
    `the server sent a replication message of no known kind (${length} bytes)`,
  )
}
