import { ConnectorError } from '../model/failure/connector-error.ts'
import type { WalEvent } from '../model/source/change.ts'
import type { Lsn } from '../model/source/lsn.ts'
import { Condenser } from './condenser.ts'
import { type Columns, type DescribedRelation, readRelation } from './described-relation.ts'
import { MessageReader } from './message-reader.ts'
import { StreamedRow } from './streamed-row.ts'
import { readTuple } from './tuple.ts'

/** First bytes of the messages. */
const kind = {
  begin: 0x42,
  commit: 0x43,
  delete: 0x44,
  insert: 0x49,
  message: 0x4d,
  origin: 0x4f,
  relation: 0x52,
  truncate: 0x54,
  update: 0x55,
  type: 0x59,
} as const
const keyTuple = 0x4b
const oldTuple = 0x4f
const newTuple = 0x4e

/** Milliseconds from the Unix epoch to PostgreSQL's epoch, 2000-01-01, and to the last time of a `Date`. */
const postgresEpochMs = 946_684_800_000
const maxTimeMs = 8.64e15

/** A message whose bytes arrive in pieces. */
interface MessageInPieces {
  write(bytes: Buffer, from: number, to: number): void
  /** Decodes the message, as `decode` does. */
  end(): WalEvent | null
}

/**
 * Turns pgoutput's messages (protocol version 1) into WAL events, in the order of the stream; null for a message that says nothing
 * about rows. Rows contain only the given columns. PostgreSQL manual, "Logical Replication Message Formats".
 */
export class PgoutputDecoder {
  readonly #columns: Columns
  readonly #relations = new Map<number, DescribedRelation>()
  readonly #reader = new MessageReader()

  constructor(columns: Columns) {
    this.#columns = columns
  }

  /**
   * Decodes the message in these bytes, which are not kept.
   * @throws {ConnectorError} stream malformed if it is not in the protocol's format, stream not understood if this version does not understand it.
   */
  decode(bytes: Buffer, from: number, to: number): WalEvent | null {
    const reader = this.#reader
    reader.open(bytes, from, to)
    switch (reader.uint8()) {
      case kind.begin:
        return this.#begin()
      case kind.commit:
        return this.#commit()
      case kind.insert:
        return this.#insert()
      case kind.update:
        return this.#update()
      case kind.delete:
        return this.#delete()
      case kind.truncate:
        return this.#truncate()
      case kind.relation: {
        const relation = readRelation(reader, this.#columns)
        this.#relations.set(relation.oid, relation)
        return null
      }
      case kind.message:
      case kind.origin:
      case kind.type:
        return null
      default:
        throw reader.malformed()
    }
  }

  /** Begins a message of this many bytes. Values that are not decoded take no memory. */
  decodeInPieces(length: number): MessageInPieces {
    const condenser = new Condenser(length, (oid) => this.#relations.get(oid)?.whole.selected)
    return {
      write: (bytes, from, to) => condenser.write(bytes, from, to),
      end: () => {
        const condensed = condenser.end()
        return this.decode(condensed, 0, condensed.length)
      },
    }
  }

  #begin(): WalEvent {
    const reader = this.#reader
    const commitLsn = this.#lsn('a transaction without a commit position')
    const committedAtMs = Math.floor(reader.int64() / 1000) + postgresEpochMs
    if (Math.abs(committedAtMs) > maxTimeMs)
      throw new ConnectorError('stream not understood', 'a transaction was committed at a time out of range')
    const xid = reader.uint32()
    reader.finish()
    return { kind: 'begin', commitLsn, xid, committedAtMs }
  }

  #commit(): WalEvent {
    const reader = this.#reader
    // Flags, and the position of the commit record.
    reader.skip(9)
    const commitEndLsn = this.#lsn('a commit without an end position')
    reader.skip(8)
    reader.finish()
    return { kind: 'commit', commitEndLsn }
  }

  #insert(): WalEvent {
    const reader = this.#reader
    const relation = this.#relation()
    if (reader.uint8() !== newTuple) throw reader.malformed()
    const { values, skippedBytes } = readTuple(reader, relation, relation.whole)
    reader.finish()
    const row = new StreamedRow(relation.whole.positions, values)
    return { kind: 'change', change: { operation: 'insert', relation, row }, bytes: reader.length - skippedBytes }
  }

  #update(): WalEvent {
    const reader = this.#reader
    const relation = this.#relation()
    const { positions } = relation.whole
    const tag = reader.uint8()
    if (tag === newTuple) {
      const { values, skippedBytes } = readTuple(reader, relation, relation.whole)
      reader.finish()
      const row = new StreamedRow(positions, values)
      const bytes = reader.length - skippedBytes
      return { kind: 'change', change: { operation: 'update', relation, row, old: null }, bytes }
    }
    const selection = this.#oldSelection(tag, relation)
    const before = readTuple(reader, relation, selection)
    if (reader.uint8() !== newTuple) throw reader.malformed()
    const old = new StreamedRow(selection.positions, before.values)
    const after = readTuple(reader, relation, relation.whole, old)
    reader.finish()
    const row = new StreamedRow(positions, after.values)
    const bytes = reader.length - before.skippedBytes - after.skippedBytes
    return { kind: 'change', change: { operation: 'update', relation, row, old }, bytes }
  }

  #delete(): WalEvent {
    const reader = this.#reader
    const relation = this.#relation()
    const selection = this.#oldSelection(reader.uint8(), relation)
    const { values, skippedBytes } = readTuple(reader, relation, selection)
    reader.finish()
    const old = new StreamedRow(selection.positions, values)
    return { kind: 'change', change: { operation: 'delete', relation, old }, bytes: reader.length - skippedBytes }
  }

  #truncate(): WalEvent {
    const reader = this.#reader
    const count = reader.uint32()
    // Check the length before memory is allocated for the count.
    if (reader.length !== 6 + 4 * count) throw reader.malformed()
    reader.skip(1)
    const relations = Array.from({ length: count }, () => {
      const relation = this.#relations.get(reader.uint32())
      if (!relation) throw new ConnectorError('stream not understood', 'a TRUNCATE of a table that was not described')
      return relation
    })
    return { kind: 'truncate', relations }
  }

  #oldSelection(tag: number, relation: DescribedRelation) {
    if (tag === keyTuple) return relation.key
    if (tag === oldTuple) return relation.whole
    throw this.#reader.malformed()
  }

  /** Returns the relation of a change. A new connection describes it again. */
  #relation(): DescribedRelation {
    const relation = this.#relations.get(this.#reader.uint32())
    if (!relation) throw this.#reader.malformed()
    return relation
  }

  #lsn(problem: string): Lsn {
    const lsn = this.#reader.lsn()
    if (lsn === 0n) throw new ConnectorError('stream not understood', problem)
    return lsn
  }
}
