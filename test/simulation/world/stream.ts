import type { Content } from '../../../src/pending/entry/version.ts'
import type { MappedWalEvent, Operation } from '../../../src/pipeline/core/events.ts'
import { isPublished } from './contents.ts'
import type { RowVersion, Transaction } from './source-table.ts'
import { at, placeOf } from './values.ts'
import type { World } from './world.ts'

type Change = Extract<MappedWalEvent, { kind: 'change' }>

/** Transaction as the output plugin of the slot sends it. */
interface Sent {
  readonly transaction: Transaction
  readonly events: readonly MappedWalEvent[]
  next: number
}

/** Replication connection: whole transactions, in the order of their commit records, visible or not. */
export class Stream {
  readonly #world: World
  #nextCommit: number
  #sent: Sent | null = null
  #receivedLsn: number
  readonly #knownLsn: number

  /** @param fromLsn the start position of START_REPLICATION. @param knownLsn the position up to which an earlier connection delivered. */
  constructor(world: World, fromLsn: number, knownLsn = 0) {
    this.#world = world
    this.#receivedLsn = fromLsn
    this.#knownLsn = knownLsn
    const first = world.table.commits.findIndex(({ commitLsn }) => commitLsn >= fromLsn)
    this.#nextCommit = first === -1 ? world.table.commits.length : first
  }

  /** Transaction of which only a part has been received. */
  get open(): Transaction | null {
    return this.#sent?.transaction ?? null
  }
  /** Transaction of which only a part has been received, unless an earlier connection has delivered all of it. */
  get arriving(): Transaction | null {
    const { open } = this
    return open && open.commitLsn >= this.#knownLsn ? open : null
  }
  /** Returns true if everything that was committed has been received. */
  get isAtEnd(): boolean {
    return this.#sent === null && this.#nextCommit >= this.#world.table.commits.length
  }
  /** Returns true if a message or a keepalive with a new position would come. */
  get isReadable(): boolean {
    return !this.isAtEnd || this.#receivedLsn < this.#world.table.insertLsn
  }

  /** Returns the next message; at the end, a keepalive. */
  next(): MappedWalEvent {
    const sent = this.#sent ?? this.#begin()
    const event = sent?.events[sent.next]
    if (!sent || !event) {
      this.#receivedLsn = this.#world.table.insertLsn
      return { kind: 'keepalive', lsn: at(this.#receivedLsn) }
    }
    sent.next++
    if (event.kind === 'commit') {
      this.#sent = null
      this.#receivedLsn = Number(event.commitEndLsn)
    }
    return event
  }

  /** Begins the next transaction. PostgreSQL 15 and later leave out transactions without published changes. */
  #begin(): Sent | null {
    const { table, profile } = this.#world
    for (;;) {
      const transaction = table.commits[this.#nextCommit]
      if (!transaction) return null
      this.#nextCommit++
      const changes = changesOf(this.#world, transaction)
      const { xid, commitLsn, endLsn, truncates } = transaction
      if (changes.length === 0 && !truncates && profile.skipsEmpty) continue
      this.#sent = {
        transaction,
        next: 0,
        events: [
          { kind: 'begin', commitLsn: at(commitLsn), xid: Number(xid), committedAtMs: commitLsn },
          ...(truncates ? [{ kind: 'truncate' } as const] : []),
          ...changes,
          { kind: 'commit', commitEndLsn: at(endLsn) },
        ],
      }
      return this.#sent
    }
  }
}

/** Returns the changes of a transaction. A changed key is one message with two rows. */
function changesOf({ contents, streamed }: World, { versions, commitLsn }: Transaction): Change[] {
  const messages = new Map<number, { operation: Operation; rows: Change['rows'][number][] }>()
  for (const version of versions) {
    const content = version.truncated ? null : contents.streamed(version)
    if (!content) continue
    const row = { key: version.key, content, bytes: version.bytes }
    const message = messages.get(version.ordinal)
    if (message) Object.assign(message, { operation: 'update', rows: [...message.rows, row] })
    else messages.set(version.ordinal, { operation: operationOf(version), rows: [row] })
    streamed.set(placeOf(commitLsn, [...messages.keys()].indexOf(version.ordinal) + 1, version.key), version)
  }
  return [...messages.values()].map((message) => ({ kind: 'change', ...message }))
}

function operationOf({ image, before }: RowVersion): Operation {
  if (!isPublished(image)) return 'delete'
  return isPublished(before) ? 'update' : 'insert'
}

export function describeVersion({ key, image, incomplete, number }: RowVersion): string {
  const text = image ? `${image.code}=${image.letter}${incomplete ? ' (incomplete)' : ''}` : 'deleted'
  return `${key} ${text} (version ${number})`
}

export function describeWal(wal: MappedWalEvent): string {
  if (wal.kind !== 'change') return wal.kind
  return wal.rows.map(({ key, content }) => `${key} ${describeContent(content)}`).join(', ')
}

function describeContent(content: Content): string {
  return content.kind === 'patient' ? `${content.patient.code}=${content.patient.first_name}` : content.kind
}
