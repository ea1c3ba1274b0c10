import type { RowKey } from '../../../src/model/row.ts'
import type { Snapshot } from '../../../src/model/visibility.ts'
import type { Parcel } from '../../../src/pending/version.ts'
import type { Choices } from './choices.ts'
import { Contents } from './contents.ts'
import { Mediquo } from './mediquo.ts'
import type { Profile } from './profile.ts'
import { SourceTable, type Transaction } from './source-table.ts'
import { StateTables } from './state-tables.ts'

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
  /** The newest version of each row that was set aside. */
  readonly setAside = new Map<RowKey, number>()
  /** Snapshots of reads that are not merged yet. */
  readonly openReads = new Set<Snapshot>()
  /** What each read saw, by where it ended. */
  readonly #reads = new Map<bigint, Snapshot[]>()
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
    this.mediquo = new Mediquo({ isWhole })
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

  isSetAside(version: { readonly key: RowKey; readonly number: number } | undefined): void {
    if (version) this.setAside.set(version.key, Math.max(version.number, this.setAside.get(version.key) ?? 0))
  }

  readEnded(endLsn: bigint, snapshot: Snapshot): void {
    this.#reads.set(endLsn, [...(this.#reads.get(endLsn) ?? []), snapshot])
  }

  /** The number of the row version that a parcel is sent for. */
  numberOf({ key, version }: Parcel): number {
    const made = this.contents.madeFrom(version.content)
    if (made) return made.number
    if (version.read === null) return version.bytes
    const seen = (this.#reads.get(version.read.endLsn) ?? []).map(
      (snapshot) => this.table.seenBy(snapshot, key)?.number ?? 0,
    )
    return Math.max(0, ...seen)
  }
}
