import type { PatientCode } from '../../../src/model/patient/patient.ts'
import type { DeadLetter } from '../../../src/model/progress/stored-row.ts'
import type { RowKey } from '../../../src/model/source/row.ts'
import type { Snapshot } from '../../../src/model/source/visibility.ts'
import type { Delivery } from '../../../src/pending/entry/version.ts'
import type { Settlement } from '../../../src/pipeline/core/effects.ts'
import type { Choices } from './choices.ts'
import { Contents, isPublished } from './contents.ts'
import { Mediquo } from './mediquo.ts'
import type { Profile } from './profile.ts'
import { type RowVersion, SourceTable, type Transaction } from './source-table.ts'
import { type StateCopy, StateTables } from './state-tables.ts'
import { placeOf } from './values.ts'

/** Position up to which whole transactions have been received. A further one may be arriving. */
interface Received {
  readonly receivedLsn: bigint
  readonly isTransactionOpen: boolean
}
/** Number of writes by which the store can go back. */
const maxCopies = 6
const nothingReceived: Received = { receivedLsn: 0n, isTransactionOpen: false }

/** Everything outside of the connector that outlives it: the table, mediQuo, the checkpoint store, and the knowledge of the checks. */
export class World {
  readonly choices: Choices
  readonly profile: Profile
  readonly table = new SourceTable()
  readonly mediquo: Mediquo
  readonly contents: Contents
  readonly state: StateTables
  /** Transactions that no slot streams: a backfill must find them. */
  readonly missed = new Set<Transaction>()
  /** Numbers of versions that need no further request. */
  readonly covered = new Set<number>()
  /** Number of the newest version of each row that is a dead letter. */
  readonly rejected = new Map<RowKey, number>()
  /** Number of the newest version of each row that the API refused. */
  readonly refused = new Map<RowKey, number>()
  /** Codes that the API refused to unsubscribe while their row had another one. */
  readonly refusedCodes = new Set<PatientCode>()
  /** Codes whose GET always fails. */
  readonly unreadableCodes = new Set<PatientCode>()
  /** Codes that cannot be read, or are never found, in a world whose API answers some requests with an undocumented success. */
  readonly unprovableCodes = new Set<PatientCode>()
  /** Codes of requests that were answered with a success and not applied. */
  readonly succeededCodes = new Set<PatientCode>()
  /** Row version of each change of the stream, by its position. */
  readonly streamed = new Map<string, RowVersion>()
  /** Snapshots of reads that are not merged yet. */
  readonly openReads = new Set<Snapshot>()
  /** Snapshots of the reads, by their end position. */
  readonly #reads = new Map<bigint, Snapshot[]>()
  /** Received positions when the last two writes were composed. The first write was composed before or when the current batch was cut. */
  receivedAtWrites: readonly [Received, Received] = [nothingReceived, nothingReceived]
  /** The store's content after each of its last writes, the oldest first. */
  readonly copies: StateCopy[] = []
  /** True while the store lacks writes that were answered, and nobody has noticed. */
  isStoreOld = false
  /** Codes that the store knew only in writes that it lost. */
  readonly forgottenCodes = new Set<PatientCode>()
  /** Position up to which the slot is confirmed. */
  confirmedLsn = 0n
  readonly trace: string[] | null
  /** First failure. */
  wrong: string | null = null

  constructor(choices: Choices, profile: Profile, { traced }: { readonly traced: boolean }) {
    this.choices = choices
    this.profile = profile
    this.contents = new Contents(profile.fullIdentity)
    this.state = new StateTables(this.table.insertLsn, profile.pageRows)
    // Without a slot, the backfill finds row by row which codes changed hands. Of two rows with one code, any may come last.
    const hasSlot = profile.start !== 'slot lost' && profile.slotLosses + profile.storeLosses === 0
    const isWhole = hasSlot && !profile.sharesCodes
    this.mediquo = new Mediquo({
      isWhole,
      wasLeft: (code, number) => this.wasLeft(code, number),
      removalOf: (key, code, number) => this.removalOf(key, code, number),
    })
    this.trace = traced ? [] : null
  }

  /** Returns true if no backfill run is left to be done. On an empty table it waits until there are rows. */
  get hasBackfilled(): boolean {
    const { state, table } = this
    return state.nextPass() === null || (state.isWaitingForRows && isEmpty(table))
  }

  note(line: () => string): void {
    this.trace?.push(line())
  }
  fail(wrong: string | null): void {
    if (wrong === null || this.wrong !== null) return
    this.wrong = wrong
    this.note(() => wrong)
  }

  /** Keeps what the store has after a write, in a world in which it goes back. */
  keepCopy(): void {
    if (this.profile.storeLosses > 0 && !this.isStoreOld) this.copies.push(this.state.copy())
    if (this.copies.length > maxCopies) this.copies.shift()
  }

  /** Checks P5 before each write: only bad rows are dead letters. */
  noteDeadLetters({ rows }: Settlement): void {
    for (const { key, code, deadLetter } of rows) {
      if (deadLetter === null || deadLetter === 'kept') continue
      const { formerCode } = deadLetter
      if (formerCode !== undefined) {
        const isUnknown = deadLetter.reason === 'cannot be unsubscribed'
        const isRight = isUnknown ? this.#isUnknown(formerCode) : this.refusedCodes.has(formerCode)
        if (!isRight) this.fail(`P5: ${formerCode} of ${key} is a dead letter, and was not refused`)
        continue
      }
      if (deadLetter.reason === 'cannot be unsubscribed') {
        if (!this.#isUnknown(code)) this.fail(`P5: ${key} ${code} cannot be unsubscribed, and was never sent`)
        this.rejected.set(key, this.table.newest(key)?.number ?? 0)
        continue
      }
      // A success that is not a documented one is proven by reading back. Of such a code nothing is ever shown.
      const isUnproven = code !== null && this.unprovableCodes.has(code) && [202, 204].includes(deadLetter.status ?? 0)
      const unproven = isUnproven ? this.table.newest(key)?.number : undefined
      const refused = this.refused.get(key) ?? unproven
      const number = deadLetter.reason === 'invalid' ? this.#invalidNumber(deadLetter) : refused
      if (number === undefined)
        this.fail(`P5: ${key} ${code} is a dead letter (${deadLetter.reason}), and nothing is wrong with it`)
      else this.rejected.set(key, Math.max(number, this.rejected.get(key) ?? 0))
    }
  }
  /** Returns true if a patient with a code was accepted, or a success said so, though mediQuo does not show it, or if the code cannot be read. */
  #isUnknown(code: PatientCode | null): boolean {
    return (
      code !== null &&
      (this.mediquo.records.has(code) || this.unreadableCodes.has(code) || this.succeededCodes.has(code))
    )
  }
  #invalidNumber(letter: DeadLetter): number | undefined {
    return this.contents.rejectedIn(letter)?.number
  }

  noteWrite({ receivedLsn, isTransactionOpen }: Received): void {
    this.receivedAtWrites = [this.receivedAtWrites[1], { receivedLsn, isTransactionOpen }]
  }
  readEnded(endLsn: bigint, snapshot: Snapshot): void {
    this.#reads.set(endLsn, [...(this.#reads.get(endLsn) ?? []), snapshot])
  }

  /** Returns true if no row had a code at some time since a row version. */
  wasLeft(code: PatientCode, number: number): boolean {
    const { commits } = this.table
    const first = commits.findIndex(({ versions }) => versions.some((version) => version.number >= number))
    const since = commits.slice(Math.max(first, 0))
    const isOwned = (of: Transaction) => this.table.ownersAfter(of, code).some(({ image }) => isPublished(image))
    return since.some((transaction) => !isOwned(transaction))
  }

  /** Returns the number of the removal by which a row lost a code, up to a number. */
  removalOf(key: RowKey, code: PatientCode, number: number): number {
    const versions = this.table.committed(key).filter((version) => version.number <= number)
    const last = versions.findLastIndex(({ image }) => image?.code === code)
    return versions[last + 1]?.number ?? number
  }

  /** Returns the number of the row version that a delivery sends. */
  numberOf({ key, version }: Delivery): number {
    const made = this.contents.madeFrom(version.content)
    if (made) return made.number
    const { position, read, origin } = version
    // A removal that both the stream and a read found belongs to the stream.
    if (read === null || origin === 'stream') {
      const version = position && this.streamed.get(placeOf(position.commitLsn, position.ordinal, key))
      return version?.number ?? 0
    }
    const seen = (this.#reads.get(read.endLsn) ?? []).map((snapshot) => this.table.seenBy(snapshot, key)?.number ?? 0)
    return Math.max(0, ...seen)
  }
}

function isEmpty(table: SourceTable): boolean {
  return table.keys.every((key) => !isPublished(table.committed(key).at(-1)?.image ?? null))
}
