import { ConnectorError } from '../../model/failure/connector-error.ts'

/** Receives the server's messages. */
export interface FrameSink {
  /** Receives bytes of messages other than CopyData, whole or in part, in order. */
  forward(bytes: Buffer): void
  /** Receives the content of a CopyData message, which is not kept. */
  copyData(bytes: Buffer, from: number, to: number): void
  /** Receives a CopyData message that is too large to collect. */
  copyDataInPieces(length: number): Pieces
}

/** Content that comes in pieces, none of which is kept. */
export interface Pieces {
  write(bytes: Buffer, from: number, to: number): void
  end(): void
}

const copyDataType = 0x64
const headerBytes = 5

/**
 * Splits a connection's bytes into messages. The first byte must be the start of one. It keeps at most a part of one message. PostgreSQL
 * manual, "Message Formats": type, length (which counts itself but not the type), content.
 */
export class FrameReader {
  readonly #sink: FrameSink
  readonly #maxWholeBytes: number
  /** Start of an incomplete message. */
  readonly #part: Buffer
  #partBytes = 0
  /** Bytes that are still to come of a message that is not collected. */
  #remaining = 0
  /** Receives those bytes; null: they are passed to the sink. */
  #pieces: Pieces | null = null
  #stopped = false

  /** @param maxWholeBytes maximum content of a CopyData message that is collected. A larger one comes in pieces. */
  constructor(sink: FrameSink, maxWholeBytes = 64 * 1024) {
    this.#sink = sink
    this.#maxWholeBytes = maxWholeBytes
    this.#part = Buffer.allocUnsafe(headerBytes + maxWholeBytes)
  }

  /** Stops reading, even within the current chunk. */
  stop(): void {
    this.#stopped = true
  }

  /** Reads a chunk. @throws {ConnectorError} and errors of the sink; nothing more may be read afterwards. */
  read(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length && !this.#stopped) {
      if (this.#remaining > 0) at = this.#continue(chunk, at)
      else if (this.#partBytes > 0) at = this.#complete(chunk, at)
      else at = this.#next(chunk, at)
    }
  }

  /** Reads a message from its start. @returns the position up to which the chunk was read. */
  #next(chunk: Buffer, at: number): number {
    if (chunk.length - at < headerBytes) return this.#keep(chunk, at, chunk.length)
    const content = contentBytes(chunk, at)
    if (chunk[at] !== copyDataType) {
      this.#remaining = headerBytes + content
      return at
    }
    const from = at + headerBytes
    if (content > this.#maxWholeBytes) {
      this.#begin(content)
      return from
    }
    const end = from + content
    if (end > chunk.length) return this.#keep(chunk, at, chunk.length)
    this.#sink.copyData(chunk, from, end)
    return end
  }

  /** Continues a message whose start was kept. */
  #complete(chunk: Buffer, at: number): number {
    const part = this.#part
    if (this.#partBytes < headerBytes) {
      const to = this.#keep(chunk, at, at + headerBytes - this.#partBytes)
      if (this.#partBytes < headerBytes) return to
      const content = contentBytes(part, 0)
      if (part[0] !== copyDataType) {
        this.#partBytes = 0
        this.#remaining = content
        // Copy: the receiver may keep these bytes.
        this.#sink.forward(Buffer.from(part.subarray(0, headerBytes)))
        return to
      }
      if (content > this.#maxWholeBytes) {
        this.#partBytes = 0
        this.#begin(content)
        return to
      }
      at = to
    }
    const end = headerBytes + contentBytes(part, 0)
    const to = this.#keep(chunk, at, at + end - this.#partBytes)
    if (this.#partBytes < end) return to
    this.#partBytes = 0
    this.#sink.copyData(part, headerBytes, end)
    return to
  }

  /** Continues a message that is not collected. */
  #continue(chunk: Buffer, at: number): number {
    const to = Math.min(chunk.length, at + this.#remaining)
    this.#remaining -= to - at
    const pieces = this.#pieces
    if (pieces === null) {
      this.#sink.forward(chunk.subarray(at, to))
      return to
    }
    pieces.write(chunk, at, to)
    if (this.#remaining === 0) {
      this.#pieces = null
      pieces.end()
    }
    return to
  }

  #begin(content: number): void {
    this.#remaining = content
    this.#pieces = this.#sink.copyDataInPieces(content)
  }

  #keep(chunk: Buffer, from: number, to: number): number {
    const end = Math.min(chunk.length, to)
    chunk.copy(this.#part, this.#partBytes, from, end)
    this.#partBytes += end - from
    return end
  }
}

function contentBytes(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at + 1)
  // Message types are letters, or the digits 1 to 3.
  const type = bytes[at] ?? 0
  const isLetter = (type >= 0x41 && type <= 0x5a) || (type >= 0x61 && type <= 0x7a) || (type >= 0x31 && type <= 0x33)
  if (!isLetter || length < 4)
    throw new ConnectorError('stream malformed', `the server sent what is no message (${length} bytes)`)
  return length - 4
}
