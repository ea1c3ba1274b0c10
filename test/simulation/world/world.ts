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
import { StateTables } from './state-tables.ts'
import { placeOf } from './values.ts'

/** Up to where whole transactions have been received, and whether one is still arriving after them. */
interface Received {
  readonly receivedLsn: bigint
  readonly isTransactionOpen: boolean
}
const nothingReceived: Received = { receivedLsn: 0n, isTransactionOpen: false }

/** What is outside of the connector and outlives it: the table, mediQuo and the state, and what the checks know. */
export class World {
  readonly choices: Choices
  readonly profile: Profile
  readonly table = new SourceTable()
  readonly mediquo: Mediquo
  readonly contents: Contents
  readonly state: StateTables
  /** Changes that no slot streams: a pass must find them. */
  readonly missed = new Set<Transaction>()
  /** Numbers of versions that need nothing more. */
  readonly covered = new Set<number>()
  /** The newest version of each row that is a dead letter. */
  readonly rejected = new Map<RowKey, number>()
  /** The newest version of each row that the API refused. */
  readonly refused = new Map<RowKey, number>()
  /** Which version each change of the stream was, by its place. */
  readonly streamed = new Map<string, RowVersion>()
  /** Snapshots of reads that are not merged yet. */
  readonly openReads = new Set<Snapshot>()
  /** What each read saw, by where it ended. */
  readonly #reads = new Map<bigint, Snapshot[]>()
  /** What had been received when the last two writes were composed: the first is no later than when what is sent now was cut. */
  receivedAtWrites: readonly [Received, Received] = [nothingReceived, nothingReceived]
  readonly trace: string[] | null
  /** The first thing that is wrong. */
  wrong: string | null = null

  constructor(choices: Choices, profile: Profile, { traced }: { readonly traced: boolean }) {
    this.choices = choices
    this.profile = profile
    this.contents = new Contents(profile.fullIdentity)
    this.state = new StateTables(this.table.insertLsn)
    // What changed hands while no slot was there is found row by row.
    const isWhole = profile.start !== 'slot lost' && profile.slotLosses === 0
    this.mediquo = new Mediquo({ isWhole, wasLeft: (code, number) => this.wasLeft(code, number) })
    this.trace = traced ? [] : null
  }

  note(line: () => string): void {
    this.trace?.push(line())
  }
  fail(wrong: string | null): void {
    if (wrong === null || this.wrong !== null) return
    this.wrong = wrong
    this.note(() => wrong)
  }

  /** P5: dead letters are of bad rows only. Called for each write, before it. */
  noteDeadLetters({ rows }: Settlement): void {
    for (const { key, code, deadLetter } of rows) {
      if (deadLetter === null || deadLetter === 'kept') continue
      const number = deadLetter.reason === 'invalid' ? this.#invalidNumber(deadLetter) : this.refused.get(key)
      if (number === undefined)
        this.fail(`P5: ${key} ${code} is a dead letter (${deadLetter.reason}), and nothing is wrong with it`)
      else this.rejected.set(key, Math.max(number, this.rejected.get(key) ?? 0))
    }
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

  /** Whether a code has been no patient's at some time since a row version. */
  wasLeft(code: PatientCode, number: number): boolean {
    const { commits } = this.table
    const first = commits.findIndex(({ versions }) => versions.some((version) => version.number >= number))
    const since = commits.slice(Math.max(first, 0))
    return since.some((transaction) => !isPublished(this.table.ownerAfter(transaction, code)?.image ?? null))
  }

  /** The number of the row version that a delivery is sent for. */
  numberOf({ key, version }: Delivery): number {
    const made = this.contents.madeFrom(version.content)
    if (made) return made.number
    const { position, read, origin } = version
    // An end that the stream and a read told is the stream's.
    if (read === null || origin === 'stream') {
      const version = position && this.streamed.get(placeOf(position.commitLsn, position.ordinal, key))
      return version?.number ?? 0
    }
    const seen = (this.#reads.get(read.endLsn) ?? []).map((snapshot) => this.table.seenBy(snapshot, key)?.number ?? 0)
    return Math.max(0, ...seen)
  }
}
