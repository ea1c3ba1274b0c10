import type { Patient, PatientCode } from '../../../src/model/patient/patient.ts'
import type { RowKey } from '../../../src/model/source/row.ts'
import type { Purpose } from '../../../src/pending/entry/version.ts'

/** Patient that mediQuo accepted last of a code, or has of it. `number` belongs to the row version (`RowVersion`) that it accepted last. */
export interface Recorded {
  readonly firstName: string
  readonly isSubscribed: boolean
  readonly number: number
  readonly key: RowKey
}

export interface Told {
  readonly key: RowKey
  readonly purpose: Purpose
  readonly patient: Patient
  readonly number: number
}

/** API, with the newest version that it accepted of each row and of each code. */
export class Mediquo {
  /** Patient accepted last of each code. */
  readonly records = new Map<PatientCode, Recorded>()
  readonly #applied = new Map<PatientCode, Recorded>()
  /** Patient that it shows of each code whose accepted patient is not applied yet. */
  readonly #queued = new Map<PatientCode, Recorded | undefined>()
  readonly #newest = new Map<RowKey, number>()
  readonly #isWhole: boolean
  readonly #wasLeft: (code: PatientCode, number: number) => boolean
  readonly #removalOf: (key: RowKey, code: PatientCode, number: number) => number

  /**
   * @param isWhole true if the stream carries every row that had a code, in order; otherwise only the order of each row holds.
   * @param wasLeft returns true if no row had a code at some time since a row version.
   * @param removalOf returns the number of the removal by which a row lost a code, up to a number.
   */
  constructor({
    isWhole,
    wasLeft,
    removalOf,
  }: {
    readonly isWhole: boolean
    wasLeft(code: PatientCode, number: number): boolean
    removalOf(key: RowKey, code: PatientCode, number: number): number
  }) {
    this.#isWhole = isWhole
    this.#wasLeft = wasLeft
    this.#removalOf = removalOf
  }

  /** Returns the number of the newest accepted version of a row. */
  newestOf(key: RowKey): number {
    return this.#newest.get(key) ?? 0
  }

  /** Accepts a patient. @returns the failure of C2, or null. The same patient again is not a step back. */
  accept({ key, purpose, patient, number }: Told): string | null {
    const { code, first_name: firstName } = patient
    const isSubscribed = patient.plan !== undefined
    const before = this.records.get(code)
    const says = before && `${before.firstName}${before.isSubscribed ? '' : ' without a plan'}`
    const isSame = before?.firstName === firstName && before.isSubscribed === isSubscribed
    // The removal of a row may unsubscribe a code that another row brought and has left since.
    const isEnd = purpose === 'remove' && before !== undefined && this.#wasLeft(code, before.number)
    const ofCode = before && (before.key === key || (this.#isWhole && !isEnd)) ? before.number : 0
    // A version that unsubscribes a code which its row no longer has is not a version of that code.
    const isOfCode = purpose !== 'unsubscribe code'
    const known = isOfCode ? Math.max(ofCode, this.newestOf(key)) : before?.key === key ? ofCode : 0
    // While a removal is in flight, the stream may bring that the row came back with another code, and was removed again.
    const ofThisCode = purpose === 'remove' ? this.#removalOf(key, code, number) : number
    this.#applied.delete(code)
    this.records.set(code, {
      firstName,
      isSubscribed,
      key,
      number: Math.max(isOfCode ? ofThisCode : 0, before?.number ?? 0),
    })
    if (isOfCode) this.#newest.set(key, Math.max(number, this.newestOf(key)))
    if (isSame || number >= known) return null
    return `C2: ${key} goes back from version ${known} to ${number}: ${code} was ${says}, becomes ${firstName}`
  }

  /** Applies the accepted patients of a code in any order: this one, which need not be the one accepted last, remains. */
  applied({ code, first_name: firstName, plan }: Patient): void {
    const record = this.records.get(code)
    if (record) this.#applied.set(code, { ...record, firstName, isSubscribed: plan !== undefined })
  }

  /** Returns the patient of a code once everything accepted of it is applied. */
  has(code: PatientCode): Recorded | undefined {
    return this.#applied.get(code) ?? this.records.get(code)
  }

  /** Returns the patient that `GET` shows of a code; undefined if the code is unknown. */
  shown(code: PatientCode): Recorded | undefined {
    return this.#queued.has(code) ? this.#queued.get(code) : this.has(code)
  }

  /** Keeps what it shows of a code until the next accepted patient is applied. */
  queue(code: PatientCode): void {
    if (!this.#queued.has(code)) this.#queued.set(code, this.has(code))
  }
  /** Applies every accepted patient of a code. */
  apply(code: PatientCode): void {
    this.#queued.delete(code)
  }
  get queuedCodes(): PatientCode[] {
    return [...this.#queued.keys()]
  }
}
