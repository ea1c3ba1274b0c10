import type { Patient, PatientCode } from '../../../src/model/patient/patient.ts'
import type { RowKey } from '../../../src/model/source/row.ts'
import type { Purpose } from '../../../src/pending/entry/version.ts'

/** What mediQuo accepted last of a code, or has of it. `number` is that of the row version (`RowVersion`) that it was told last. */
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

/** The API, with the newest version that it accepted of each row and of each code. */
export class Mediquo {
  /** What it accepted last. */
  readonly records = new Map<PatientCode, Recorded>()
  readonly #applied = new Map<PatientCode, Recorded>()
  /** What it shows of codes of which it has not applied what it accepted. */
  readonly #queued = new Map<PatientCode, Recorded | undefined>()
  readonly #newest = new Map<RowKey, number>()
  readonly #isWhole: boolean
  readonly #wasLeft: (code: PatientCode, number: number) => boolean

  /**
   * @param isWhole whether the stream tells of every row that had a code, one after another; if not, only each row's own order holds.
   * @param wasLeft whether a code has been nobody's since a row version.
   */
  constructor({
    isWhole,
    wasLeft,
  }: { readonly isWhole: boolean; wasLeft(code: PatientCode, number: number): boolean }) {
    this.#isWhole = isWhole
    this.#wasLeft = wasLeft
  }

  /** The number of the newest version of a row that was accepted. */
  newestOf(key: RowKey): number {
    return this.#newest.get(key) ?? 0
  }

  /** @returns what is wrong with it: C2. Saying the same again is no step back. */
  accept({ key, purpose, patient, number }: Told): string | null {
    const { code, first_name: firstName } = patient
    const isSubscribed = patient.plan !== undefined
    const before = this.records.get(code)
    const says = before && `${before.firstName}${before.isSubscribed ? '' : ' without a plan'}`
    const isSame = before?.firstName === firstName && before.isSubscribed === isSubscribed
    // The end of a row may end what another brought that has left the code since.
    const isEnd = purpose === 'remove' && before !== undefined && this.#wasLeft(code, before.number)
    const ofCode = before && (before.key === key || (this.#isWhole && !isEnd)) ? before.number : 0
    // A version that ends a code which its row no longer has is not a version of that code.
    const isOfCode = purpose !== 'retire'
    const known = isOfCode ? Math.max(ofCode, this.newestOf(key)) : before?.key === key ? ofCode : 0
    this.#applied.delete(code)
    this.records.set(code, {
      firstName,
      isSubscribed,
      key,
      number: Math.max(isOfCode ? number : 0, before?.number ?? 0),
    })
    if (isOfCode) this.#newest.set(key, Math.max(number, this.newestOf(key)))
    if (isSame || number >= known) return null
    return `C2: ${key} goes back from version ${known} to ${number}: ${code} was ${says}, becomes ${firstName}`
  }

  /** It has applied everything that it accepted of a code, in its own order: the last may be another than it accepted last. */
  applied({ code, first_name: firstName, plan }: Patient): void {
    const record = this.records.get(code)
    if (record) this.#applied.set(code, { ...record, firstName, isSubscribed: plan !== undefined })
  }

  /** What it has of a code, or will have once it has applied what it accepted. */
  has(code: PatientCode): Recorded | undefined {
    return this.#applied.get(code) ?? this.records.get(code)
  }

  /** `GET`: what it shows of a code; undefined if it does not know the code. */
  shown(code: PatientCode): Recorded | undefined {
    return this.#queued.has(code) ? this.#queued.get(code) : this.has(code)
  }

  /** What it shows of a code stays as it is until what it accepts next is applied. */
  queue(code: PatientCode): void {
    if (!this.#queued.has(code)) this.#queued.set(code, this.has(code))
  }
  /** Everything accepted of a code is applied. */
  apply(code: PatientCode): void {
    this.#queued.delete(code)
  }
  get queuedCodes(): PatientCode[] {
    return [...this.#queued.keys()]
  }
}
