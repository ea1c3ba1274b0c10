import type { PatientCode } from '../../../src/model/patient/patient.ts'
import type { RowKey } from '../../../src/model/source/row.ts'
import { type Snapshot, sees, type Xid, xid } from '../../../src/model/source/visibility.ts'

/**
 * Content of a row in addition to its code. A, B, C: plain. X: cannot become a patient. Y: the API may refuse it. Z: the API always refuses
 * it. F: the row filter of the publication leaves it out.
 */
export type Letter = 'A' | 'B' | 'C' | 'X' | 'Y' | 'Z' | 'F'

export interface Image {
  readonly code: PatientCode
  readonly letter: Letter
}

/** Version of a row. `image` null: deleted. `incomplete`: the stream carries a value of it as unchanged. */
export interface RowVersion {
  readonly key: RowKey
  readonly image: Image | null
  readonly before: Image | null
  /** Number of the version in the order of writing. Because of row locks this is also the order of each row and of each code. */
  readonly number: number
  readonly ordinal: number
  readonly incomplete: boolean
  /** Bytes that a version of it occupies in memory. */
  readonly bytes: number
  /** Deleted by TRUNCATE, which the stream tells without naming the row. */
  readonly truncated: boolean
}

export interface Transaction {
  readonly name: string
  readonly xid: Xid
  readonly versions: RowVersion[]
  /** It has locked the table against every reader and writer. */
  truncates: boolean
  state: 'open' | 'committed' | 'ended'
  /** Start and end of its commit record. */
  commitLsn: number
  endLsn: number
}

/** Bytes that a version of an ordinary row occupies. */
export const ordinaryBytes = 1_000

/**
 * Table with the three orders of PostgreSQL. Ids are assigned at the first write. Commit records enter the WAL. Transactions become visible
 * when they leave the list of running ones, and release their locks then.
 */
export class SourceTable {
  /** Transactions that are not visible yet, in the order of their ids. */
  readonly running: Transaction[] = []
  /** Transactions with a commit record, in the order of these records. */
  readonly commits: Transaction[] = []
  readonly #versions = new Map<RowKey, { readonly version: RowVersion; readonly by: Transaction }[]>()
  #insertLsn = 1_000
  #nextXid = 700n
  #latestCompleted = 699n
  #number = 0

  get insertLsn(): number {
    return this.#insertLsn
  }
  get nearXid(): Xid {
    return xid(this.#nextXid)
  }
  get keys(): RowKey[] {
    return [...this.#versions.keys()]
  }

  begin(): Transaction {
    const id = xid(this.#nextXid++)
    const begun: Transaction = {
      name: `T${id - 699n}`,
      xid: id,
      versions: [],
      truncates: false,
      state: 'open',
      commitLsn: 0,
      endLsn: 0,
    }
    this.running.push(begun)
    return begun
  }

  /** Returns true while a transaction that has truncated the table runs: others wait for its lock. */
  get isLocked(): boolean {
    return this.running.some(({ truncates }) => truncates)
  }
  /** Returns true if a transaction can get the lock of TRUNCATE: no other one that runs has written. */
  mayTruncate(writer: Transaction): boolean {
    return this.running.every((other) => other === writer || other.versions.length === 0)
  }
  /** Deletes every row. */
  truncate(writer: Transaction): void {
    writer.truncates = true
    for (const key of this.keys) if (this.newest(key)?.image) this.write(writer, { key, image: null, truncated: true })
  }

  /** Returns true if no other running transaction has a lock on the row or on one of these codes. */
  isFree(writer: Transaction, key: RowKey, codes: readonly (PatientCode | undefined)[]): boolean {
    return this.running.every((other) => {
      if (other === writer) return true
      if (other.truncates) return false
      return other.versions.every(({ key: locked, image, before }) => {
        const taken = [image?.code, before?.code]
        return locked !== key && !codes.some((code) => code !== undefined && taken.includes(code))
      })
    })
  }

  write(
    writer: Transaction,
    {
      key,
      image,
      incomplete = false,
      sameRow = false,
      bytes = ordinaryBytes,
      truncated = false,
    }: {
      key: RowKey
      image: Image | null
      incomplete?: boolean
      sameRow?: boolean
      bytes?: number
      truncated?: boolean
    },
  ): RowVersion {
    const before = this.newest(key)?.image ?? null
    const ordinal = writer.versions.length === 0 ? 1 : (writer.versions.at(-1)?.ordinal ?? 0) + (sameRow ? 0 : 1)
    const version = { key, image, before, incomplete, ordinal, bytes, truncated, number: ++this.#number }
    writer.versions.push(version)
    this.#of(key).push({ version, by: writer })
    this.#insertLsn += 10
    return version
  }

  commit(writer: Transaction): void {
    writer.state = 'committed'
    writer.commitLsn = this.#insertLsn
    this.#insertLsn += 40
    writer.endLsn = this.#insertLsn
    this.commits.push(writer)
  }

  /** Removes a transaction from the running ones: it becomes visible if it was committed, and is rolled back otherwise. */
  end(writer: Transaction): void {
    if (writer.state === 'open') {
      for (const chain of this.#versions.values()) while (chain.at(-1)?.by === writer) chain.pop()
      this.#insertLsn += 40
    }
    writer.state = 'ended'
    this.running.splice(this.running.indexOf(writer), 1)
    this.#complete(writer.xid)
  }

  /** Restarts the server: transactions with a commit record become visible, the others are rolled back. */
  restart(): void {
    for (const transaction of [...this.running]) this.end(transaction)
  }

  /** Commits a transaction on another table. */
  elsewhere(): void {
    this.#complete(this.takeXid())
    this.#insertLsn += 50
  }

  /** Returns `pg_current_xact_id()` of a transaction of its own. */
  takeXid(): Xid {
    const taken = xid(this.#nextXid++)
    this.#complete(taken)
    return taken
  }

  /** Takes a snapshot as GetSnapshotData does: transactions after the newest ended one are not listed, and not visible. */
  snapshot(): Snapshot {
    const xmax = this.#latestCompleted + 1n
    const inProgress = this.running.map(({ xid: id }) => id).filter((id) => id < xmax)
    const xmin = inProgress.reduce((oldest, id) => (id < oldest ? id : oldest), xid(xmax))
    return { xmin, xmax: xid(xmax), inProgress: new Set(inProgress) }
  }

  seenBy(snapshot: Snapshot, key: RowKey): RowVersion | null {
    return this.#of(key).findLast(({ by }) => sees(snapshot, by.xid))?.version ?? null
  }
  newest(key: RowKey): RowVersion | null {
    return this.#of(key).at(-1)?.version ?? null
  }
  /** Returns the versions of a row that have a commit record, oldest first. */
  committed(key: RowKey): RowVersion[] {
    return this.#of(key).flatMap(({ version, by }) => (by.commitLsn > 0 ? [version] : []))
  }
  /** Returns the newest committed versions that have a code. */
  ownersOf(code: PatientCode): RowVersion[] {
    const newest = this.keys.flatMap((key) => this.committed(key).at(-1) ?? [])
    return newest.filter(({ image }) => image?.code === code)
  }

  /** Returns the versions that had a code after a transaction was committed. */
  ownersAfter(transaction: Transaction, code: PatientCode): RowVersion[] {
    const newest = new Map<RowKey, RowVersion>()
    for (const { versions } of this.commits.slice(0, this.commits.indexOf(transaction) + 1))
      for (const version of versions) newest.set(version.key, version)
    return [...newest.values()].filter(({ image }) => image?.code === code)
  }

  #of(key: RowKey) {
    const found = this.#versions.get(key)
    if (found) return found
    const chain: { readonly version: RowVersion; readonly by: Transaction }[] = []
    this.#versions.set(key, chain)
    return chain
  }

  #complete(id: Xid): void {
    if (id > this.#latestCompleted) this.#latestCompleted = id
  }
}
