import { type Lsn, lsn } from '../model/source/lsn.ts'
import { MalformedMessageError } from './malformed-message.ts'

const none = Buffer.alloc(0)

/** Longest text that is taken from a window, and the length of one. A row that is kept keeps its window. */
const maxShortText = 64
const windowBytes = 256

/**
 * Reads the fields of one message after another, each where it is in the socket's bytes: a Buffer for a message or a value
 * takes longer than all the rest of reading it. Every method throws a {@link MalformedMessageError} past the message's end.
 */
export class MessageReader {
  #bytes: Buffer = none
  #view: DataView = new DataView(none.buffer)
  #from = 0
  #at = 0
  #end = 0
  /** Bytes of this message from `#windowFrom` on, each as the character of its number. */
  #window = ''
  #windowFrom = 0

  /** Moves to the message from `from` up to `end`. */
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
    return this.#view.getUint8(this.#pass(1))
  }
  uint16(): number {
    return this.#view.getUint16(this.#pass(2))
  }
  int32(): number {
    return this.#view.getInt32(this.#pass(4))
  }
  uint32(): number {
    return this.#view.getUint32(this.#pass(4))
  }
  /** Exact up to 2^53. */
  int64(): number {
    return this.int32() * 2 ** 32 + this.uint32()
  }
  lsn(): Lsn {
    return lsn(this.#view.getBigUint64(this.#pass(8)))
  }

  /** UTF-8. A U+FEFF at the start is kept: a key without it is another row's. */
  text(length: number): string {
    const from = this.#pass(length)
    const to = from + length
    return length <= maxShortText && this.#isAscii(from, to)
      ? this.#windowText(from, to)
      : this.#bytes.toString(undefined, from, to)
  }

  /** A name that ends with a zero byte. */
  cString(): string {
    const zero = this.#bytes.indexOf(0, this.#at)
    if (zero < 0) throw this.malformed()
    const text = this.text(zero - this.#at)
    this.skip(1)
    return text
  }

  skip(length: number): void {
    this.#pass(length)
  }

  /** Checks that nothing follows the last field. */
  finish(): void {
    if (this.#at !== this.#end) throw this.malformed()
  }

  malformed(): MalformedMessageError {
    return new MalformedMessageError(this.length > 0 ? this.#view.getUint8(this.#from) : undefined, this.length)
  }

  #isAscii(from: number, to: number): boolean {
    const bytes = this.#bytes
    let bits = 0
    for (let at = from; at < to; at++) bits |= bytes[at] ?? 0
    return bits < 0x80
  }

  /** Takes an ASCII text from a string of many: to make a string of bytes has a cost of its own, however short it is. */
  #windowText(from: number, to: number): string {
    if (this.#window === '' || to - this.#windowFrom > this.#window.length) {
      this.#windowFrom = from
      this.#window = this.#bytes.toString('latin1', from, Math.min(this.#end, from + windowBytes))
    }
    return this.#window.slice(from - this.#windowFrom, to - this.#windowFrom)
  }

  /** @returns where the passed bytes begin. */
  #pass(length: number): number {
    const from = this.#at
    if (length < 0 || from + length > this.#end) throw this.malformed()
    this.#at = from + length
    return from
  }
}
