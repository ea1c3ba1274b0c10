import type { ConnectorError } from '../model/failure/connector-error.ts'
import { type Lsn, lsn } from '../model/source/lsn.ts'
import { malformedMessage } from './malformed-message.ts'

const none = Buffer.alloc(0)

/** Longest text that is cut from a window, and the length of a window. A row in memory keeps its window in memory. */
const maxShortText = 64
const windowBytes = 256

/**
 * Reads the fields of one message after another, in place in the socket's bytes: creating a Buffer for a message or a value takes
 * longer than all other reading. Every method throws `stream malformed` past the message's end.
 */
export class MessageReader {
  #bytes: Buffer = none
  #view: DataView = new DataView(none.buffer)
  #from = 0
  #at = 0
  #end = 0
  /** Bytes of this message from `#windowFrom` on, each as the character with its number. */
  #window = ''
  #windowFrom = 0

  /** Opens the message from `from` to `end`. */
  open(bytes: Buffer, from: number, end: number): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    this.#from = from
    this.#at = from
    this.#end = end
    this.#window = ''
  }

  get length(): number {
    return this.#end - this.#from
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1))
  }
  uint16(): number {
    return this.#view.getUint16(this.#advance(2))
  }
  int32(): number {
    return this.#view.getInt32(this.#advance(4))
  }
  uint32(): number {
    return this.#view.getUint32(this.#advance(4))
  }
  /** Reads a 64-bit integer, exact up to 2^53. */
  int64(): number {
    return this.int32() * 2 ** 32 + this.uint32()
  }
  lsn(): Lsn {
    return lsn(this.#view.getBigUint64(this.#advance(8)))
  }

  /** Reads UTF-8 text. A U+FEFF at the start is kept: a key without it is another row's. */
  text(length: number): string {
    const from = this.#advance(length)
    const to = from + length
    return length <= maxShortText && this.#isAscii(from, to)
      ? this.#windowText(from, to)
      : this.#bytes.toString(undefined, from, to)
  }

  /** Reads a name that ends with a zero byte. */
  cString(): string {
    const zero = this.#bytes.indexOf(0, this.#at)
    if (zero < 0) throw this.malformed()
    const text = this.text(zero - this.#at)
    this.skip(1)
    return text
  }

  skip(length: number): void {
    this.#advance(length)
  }

  /** Checks that nothing follows the last field. */
  finish(): void {
    if (this.#at !== this.#end) throw this.malformed()
  }

  malformed(): ConnectorError {
    return malformedMessage(this.length > 0 ? this.#view.getUint8(this.#from) : undefined, this.length)
  }

  #isAscii(from: number, to: number): boolean {
    const bytes = this.#bytes
    let bits = 0
    for (let at = from; at < to; at++) bits |= bytes[at] ?? 0
    return bits < 0x80
  }

  /** Cuts an ASCII text from a longer string: creating a string from bytes has a fixed cost, however short it is. */
  #windowText(from: number, to: number): string {
    if (this.#window === '' || to - this.#windowFrom > this.#window.length) {
      this.#windowFrom = from
      this.#window = this.#bytes.toString('latin1', from, Math.min(this.#end, from + windowBytes))
    }
    return this.#window.slice(from - this.#windowFrom, to - this.#windowFrom)
  }

  /** Moves past `length` bytes. @returns their start. */
  #advance(length: number): number {
    const from = this.#at
    if (length < 0 || from + length > this.#end) throw this.malformed()
    this.#at = from + length
    return from
  }
}
