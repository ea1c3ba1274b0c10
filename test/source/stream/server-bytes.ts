// Server side of a replication connection. PostgreSQL manual, "Message Formats" and "Streaming Replication Protocol".

/** Encodes a message of the protocol: its letter, its length, its content. */
export function frame(letter: string, content: Buffer): Buffer {
  return Buffer.concat([frameHeader(letter, content.length), content])
}

export function frameHeader(letter: string, contentBytes: number): Buffer {
  const header = Buffer.from(`${letter}0000`, 'latin1')
  header.writeUInt32BE(contentBytes + 4, 1)
  return header
}

/** Header of a message of the output plugin in CopyData. */
export const walHeader = Buffer.concat([Buffer.from('w'), Buffer.alloc(24, 7)])

export function walData(message: Buffer): Buffer {
  return frame('d', Buffer.concat([walHeader, message]))
}

export function keepalive(lsn: bigint, replyRequested: boolean): Buffer {
  const content = Buffer.alloc(18, 'k')
  content.writeBigUInt64BE(lsn, 1)
  content.writeUInt8(replyRequested ? 1 : 0, 17)
  return frame('d', content)
}
