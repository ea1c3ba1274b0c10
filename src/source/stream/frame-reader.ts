/** Takes what the server sends. */
export interface FrameSink {
  /** Takes bytes of messages other than CopyData, whole or in part, in order. */
  pass(bytes: Buffer): void
  /** Takes the content of a CopyData message, which is not kept. */
  copyData(bytes: Buffer, from: number, to: number): void
  /** Takes a CopyData message that is too large to collect. */
  copyDataInPieces(length: number): Pieces
}

/** Content that comes in pieces, none of which is kept. */
export interface Pieces {
  write(bytes: Buffer, from: number, to: number): void
  end(): void
}

/** The server sends what is no message of its protocol. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

const copyDataType = 0x64
const headerBytes = 5

/**
 * Splits a connection's bytes into messages, from the start of one on. It keeps part of one message at most. PostgreSQL
 * manual, "Message Formats": a letter, the length with itself but without the letter, the content.
 */
export class FrameReader {
  readonly #sink: FrameSink
  readonly #maxWholeBytes: number
  /** The start of a message whose end has not come. */
  readonly #part: Buffer
  #partBytes = 0
  /** Bytes that have not come of a message that is not collected. */
  #remaining = 0
  /** Takes those bytes; null: they are passed. */
  #pieces: Pieces | null = null
  #stopped = false

  /** @param maxWholeBytes content of a CopyData message up to which it is collected. A larger one comes in pieces. */
  constructor(sink: FrameSink, maxWholeBytes = 64 * 1024) {
    this.#sink = sink
    this.#maxWholeBytes = maxWholeBytes
    this.#part = Buffer.allocUnsafe(headerBytes + maxWholeBytes)
  }

  /** Reads no further, not even the rest of the chunk. */
  stop(): void {
    this.#stopped = true
  }

  /** @throws {FrameError} and what the sink throws; then nothing more may be read. */
  read(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length && !this.#stopped) {
      if (this.#remaining > 0) at = this.#continue(chunk, at)
      else if (this.#partBytes > 0) at = this.#complete(chunk, at)
      else at = this.#next(chunk, at)
    }
  }

  /** Reads a message from its start. @returns up to where the chunk was read. */
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

  /** Reads on in a message whose start was kept. */
  #complete(chunk: Buffer, at: number): number {
    const part = this.#part
    if (this.#partBytes < headerBytes) {
      const to = this.#keep(chunk, at, at + headerBytes - this.#partBytes)
      if (this.#partBytes < headerBytes) return to
      const content = contentBytes(part, 0)
      if (part[0] !== copyDataType) {
        this.#partBytes = 0
        this.#remaining = content
        // The receiver may keep it.
        this.#sink.pass(Buffer.from(part.subarray(0, headerBytes)))
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

  /** Reads on in a message that is not collected. */
  #continue(chunk: Buffer, at: number): number {
    const to = Math.min(chunk.length, at + this.#remaining)
    this.#remaining -= to - at
    const pieces = this.#pieces
    if (pieces === null) {
      this.#sink.pass(chunk.subarray(at, to))
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
  // Letters alone name messages. The server's other messages are short.
  const type = bytes[at] ?? 0
  const isLetter = (type >= 0x41 && type <= 0x5a) || (type >= 0x61 && type <= 0x7a) || (type >= 0x31 && type <= 0x33)
  if (!isLetter || length < 4) throw new FrameError(`the server sent what is no message (${length} bytes)`)
  return length - 4
}
