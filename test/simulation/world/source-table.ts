import type { PatientCode } from '../../../src/model/patient/patient.ts'
import type { RowKey } from '../../../src/model/source/row.ts'
import { type Snapshot, sees, type Xid, xid } from '../../../src/model/source/visibility.ts'

/**
 * What a row says beside its code. A, B, C: plain. X: cannot become a patient. Y: the API may refuse it. Z: it always does.
 * F: the publication's row filter leaves it out.
 */
export type Letter = 'A' | 'B' | 'C' | 'X' | 'Y' | 'Z' | 'F'

export interface Image {
  readonly code: PatientCode
  readonly letter: Letter
}

/** One version of one row. `image` null: deleted. `incomplete`: the stream carries a value of it as unchanged. */
export interface RowVersion {
  readonly key: RowKey
  readonly image: Image | null
  readonly before: Image | null
  /** Counts all versions in the order of writing, which row locks make the order of each row and of each code. */
  readonly number: number
  readonly ordinal: number
  readonly incomplete: boolean
  /** What a version of it occupies in memory. */
  readonly bytes: number
}

export interface Transaction {
  readonly name: string
  readonly xid: Xid
  readonly versions: RowVersion[]
  state: 'open' | 'committed' | 'ended'
  /** Where its commit record begins and ends. */
  commitLsn: number
  endLsn: number
}

/** What a version of an ordinary row occupies. */
export const ordinaryBytes = 1_000

/**
 * PostgreSQL's three orders: ids are given at the first write, commit records enter the WAL, and transactions become visible
 * when they leave the list of the running ones, which is also when their locks go.
 */
export class SourceTable {
  /** Not yet visible, in the order of their ids. */
  readonly running: Transaction[] = []
  /** With a commit record, in its order. */
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
    const begun: Transaction = { name: `T${id - 699n}`, xid: id, versions: [], state: 'open', commitLsn: 0, endLsn: 0 }
    this.running.push(begun)
    return begun
  }

  /** Whether no other running transaction has a lock on the row or on one of the (unique) codes. */
  isFree(writer: Transaction, key: RowKey, codes: readonly (PatientCode | undefined)[]): boolean {
    return this.running.every((other) => {
      if (other === writer) return true
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
    }: { key: RowKey; image: Image | null; incomplete?: boolean; sameRow?: boolean; bytes?: number },
  ): RowVersion {
    const before = this.newest(key)?.image ?? null
    const ordinal = writer.versions.length === 0 ? 1 : (writer.versions.at(-1)?.ordinal ?? 0) + (sameRow ? 0 : 1)
    const version = { key, image, before, incomplete, ordinal, bytes, number: ++this.#number }
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

  /** It leaves the list of the running: visible if it was committed, undone otherwise. */
  end(writer: Transaction): void {
    if (writer.state === 'open') {
      for (const chain of this.#versions.values()) while (chain.at(-1)?.by === writer) chain.pop()
      this.#insertLsn += 40
    }
    writer.state = 'ended'
    this.running.splice(this.running.indexOf(writer), 1)
    this.#complete(writer.xid)
  }

  /** The server comes up again: what has a commit record is visible, the rest never was. */
  restart(): void {
    for (const transaction of [...this.running]) this.end(transaction)
  }

  /** A transaction of another table. */
  elsewhere(): void {
    this.#complete(this.takeXid())
    this.#insertLsn += 50
  }

  /** `pg_current_xact_id()` in a transaction of its own. */
  takeXid(): Xid {
    const taken = xid(this.#nextXid++)
    this.#complete(taken)
    return taken
  }

  /** As GetSnapshotData builds it: what lies past the newest ended transaction is not listed, and not seen. */
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
  /** The versions of a row that have a commit record, oldest first. */
  committed(key: RowKey): RowVersion[] {
    return this.#of(key).flatMap(({ version, by }) => (by.commitLsn > 0 ? [version] : []))
  }
  /** The row that has a code by the newest committed versions. */
  ownerOf(code: PatientCode): RowKey | null {
    return this.keys.find((key) => this.committed(key).at(-1)?.image?.code === code) ?? null
  }

  /** The row that had a code once a transaction was committed; null: none had. */
  ownerAfter(transaction: Transaction, code: PatientCode): RowVersion | null {
    const newest = new Map<RowKey, RowVersion>()
    for (const { versions } of this.commits.slice(0, this.commits.indexOf(transaction) + 1))
      for (const version of versions) newest.set(version.key, version)
    return [...newest.values()].find(({ image }) => image?.code === code) ?? null
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
