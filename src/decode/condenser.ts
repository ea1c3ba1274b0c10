import { unreachable } from '../model/unreachable.ts'
import { format } from './tuple.ts'

/** Initial size of the copy, and maximum growth beyond what it needs, bytes. */
const firstBytes = 1024
const growthBytes = 1024 * 1024

const letter = { insert: 0x49, update: 0x55, delete: 0x44, new: 0x4e } as const
/** Begin, commit, relation, truncate: messages without a tuple. */
const copiedWhole: ReadonlySet<number | undefined> = new Set([0x42, 0x43, 0x52, 0x54])

/** The field that is being copied. */
type Field = 'kind' | 'relation' | 'tuple' | 'count' | 'format' | 'length' | 'value' | 'rest'

/** Returns for each column of a relation whether its value is decoded, or undefined if the relation was not described. */
type SelectedOf = (oid: number) => readonly boolean[] | undefined

/**
 * Copies a message of pgoutput as its bytes arrive, with an empty text in place of each value that is not decoded: the bytes of
 * such a value are dropped as they arrive. It reports no error: it drops what follows a malformed field, and the decoder rejects
 * the copy as malformed.
 */
export class Condenser {
  readonly #selectedOf: SelectedOf
  /** Bytes of the message that have not arrived. */
  #remaining: number
  #copy = Buffer.allocUnsafe(firstBytes)
  #size = 0
  #field: Field = 'kind'
  /** Bytes of the field that are still to be copied. */
  #missing = 1
  /** Bytes of a value that are still to be dropped. */
  #dropping = 0
  #isUpdate = false
  #selected: readonly boolean[] = []
  #column = 0
  #columns = 0
  /** True if another tuple follows this one. */
  #isOldTuple = false

  constructor(length: number, selectedOf: SelectedOf) {
    this.#remaining = length
    this.#selectedOf = selectedOf
  }

  write(bytes: Buffer, from: number, to: number): void {
    let at = from
    while (at < to) {
      const isDropping = this.#dropping > 0
      const count = Math.min(isDropping ? this.#dropping : this.#missing, to - at)
      if (!isDropping) this.#append(bytes, at, at + count)
      at += count
      this.#remaining -= count
      if (isDropping) {
        this.#dropping -= count
        if (this.#dropping === 0) this.#endDropped()
      } else {
        this.#missing -= count
        if (this.#missing === 0) this.#next()
      }
    }
  }

  /** Returns the condensed message. */
  end(): Buffer {
    return this.#copy.subarray(0, this.#size)
  }

  /** Decides what follows a complete field. */
  #next(): void {
    const copy = this.#copy
    const last = copy[this.#size - 1]
    switch (this.#field) {
      case 'kind':
        this.#isUpdate = last === letter.update
        if (last === letter.insert || last === letter.delete || this.#isUpdate) this.#expect('relation', 4)
        else if (copiedWhole.has(last)) this.#expect('rest', this.#remaining)
        else this.#dropRest()
        return
      case 'relation':
        this.#selected = this.#selectedOf(copy.readUInt32BE(this.#size - 4)) ?? []
        this.#expect('tuple', 1)
        return
      case 'tuple':
        this.#isOldTuple = this.#isUpdate && !this.#isOldTuple && last !== letter.new
        this.#expect('count', 2)
        return
      case 'count':
        this.#column = -1
        this.#columns = copy.readUInt16BE(this.#size - 2)
        if (this.#columns > this.#selected.length) this.#dropRest()
        else this.#nextColumn()
        return
      case 'format':
        if (last === format.text || last === format.binary) this.#expect('length', 4)
        else if (last === format.null || last === format.unchanged) this.#nextColumn()
        else this.#dropRest()
        return
      case 'length':
        this.#nextValue(copy.readInt32BE(this.#size - 4))
        return
      case 'value':
        this.#nextColumn()
        return
      case 'rest':
        this.#dropRest()
        return
      default:
        unreachable(this.#field)
    }
  }

  #nextColumn(): void {
    this.#column++
    if (this.#column < this.#columns) this.#expect('format', 1)
    else if (this.#isOldTuple) this.#expect('tuple', 1)
    // One byte after the last tuple is enough to detect that the message is too long.
    else this.#expect('rest', 1)
  }

  #nextValue(length: number): void {
    if (length === 0) {
      this.#nextColumn()
    } else if (length < 0 || length > this.#remaining) {
      this.#dropRest()
    } else if (this.#selected[this.#column] === true) {
      this.#expect('value', length)
    } else {
      this.#dropping = length
    }
  }

  #endDropped(): void {
    this.#copy.writeInt32BE(0, this.#size - 4)
    this.#nextColumn()
  }

  #expect(field: Field, bytes: number): void {
    this.#field = field
    this.#missing = bytes
    this.#makeRoom(bytes)
  }

  #dropRest(): void {
    this.#dropping = Number.POSITIVE_INFINITY
  }

  #append(bytes: Buffer, from: number, to: number): void {
    bytes.copy(this.#copy, this.#size, from, to)
    this.#size += to - from
  }

  #makeRoom(bytes: number): void {
    if (this.#size + bytes <= this.#copy.length) return
    const larger = Buffer.allocUnsafe(this.#size + bytes + Math.min(this.#copy.length, growthBytes))
    this.#copy.copy(larger, 0, 0, this.#size)
    this.#copy = larger
  }
}
