import { Confirmations } from '../../../delivery/confirmations.ts'
import type { Acceptance } from '../../../model/patient/acceptance.ts'
import type { PatientCode } from '../../../model/patient/patient.ts'
import type { Delivery } from '../../../pending/entry/version.ts'
import type { Pending } from '../../../pending/pending.ts'
import type { Confirming as Port } from '../../../pending/queue/entry-scheduler.ts'
import type { FetchedCode } from '../events.ts'
import type { Facts } from '../facts.ts'
import type { Fetch, FetchSource } from './code-fetching.ts'

export interface ConfirmingOptions {
  readonly maxWatched: number
  readonly overAfterMs: number
  readonly facts: Facts
}

/** Reads patients back until the API has what it accepted last. If an older request overtook that, the row is sent again. */
export class Confirming implements FetchSource, Port {
  readonly #confirmations: Confirmations<Delivery>
  readonly #facts: Facts
  readonly #underWay = new Set<Delivery>()
  readonly #cutAtMs = new WeakMap<Delivery, number>()
  #pending: Pick<Pending, 'confirmed' | 'overtaken'> | null = null
  #isReadable: (nowMs: number) => boolean = () => false
  #nowMs = 0

  /** @param overAfterMs time after which a lost request can no longer be applied, milliseconds. */
  constructor({ maxWatched, overAfterMs, facts }: ConfirmingOptions) {
    this.#confirmations = new Confirmations({ maxWatched, overAfterMs })
    this.#facts = facts
  }

  /**
   * Connects the pending set, which asks this part and is told the results of reading back. @param isReadable returns true if other codes
   * can be read.
   */
  connect(pending: Pick<Pending, 'confirmed' | 'overtaken'>, isReadable: (nowMs: number) => boolean): void {
    this.#pending = pending
    this.#isReadable = isReadable
  }
  /** Sets the time of the event that is being handled. */
  at(nowMs: number): void {
    this.#nowMs = nowMs
  }
  /** Called when this instance has become the writer: no earlier process sends any more. */
  activate(nowMs: number): void {
    this.#confirmations.beganAt(nowMs)
  }

  get watched(): number {
    return this.#confirmations.watched
  }
  /** Returns the time until which the API may not have applied what it accepted last for a code. */
  recentUntilMs(code: PatientCode): number {
    return this.#confirmations.recentUntilMs(code)
  }

  /** Returns the time until which a lost request of a code may be applied; in the past if there is none. */
  lostUntilMs(code: PatientCode): number {
    return this.#confirmations.lostUntilMs(code)
  }

  /** Returns the time until which a request that was accepted or lost may still subscribe a patient. */
  subscribesUntilMs(code: PatientCode): number {
    return this.#confirmations.subscribesUntilMs(code)
  }
  /** A patient is not shown though it was accepted. */
  missing(code: PatientCode): void {
    this.#confirmations.missing(code)
  }
  /** A patient is shown. */
  appeared(code: PatientCode, nowMs: number): void {
    this.#confirmations.appeared(code, nowMs)
  }

  accepted(delivery: Delivery, inDoubt: boolean, hasRoom: boolean): Acceptance {
    const cutAtMs = this.#cutAtMs.get(delivery) ?? this.#nowMs
    return this.#confirmations.accepted(delivery, inDoubt, this.#nowMs, { hasRoom, cutAtMs })
  }
  cut(delivery: Delivery): void {
    this.#cutAtMs.set(delivery, this.#nowMs)
  }
  isCertain(delivery: Delivery): boolean {
    return this.#confirmations.isOver(delivery.code, this.#cutAtMs.get(delivery) ?? Number.NEGATIVE_INFINITY)
  }
  followsLost(delivery: Delivery): boolean {
    return this.#confirmations.isLost(delivery.code, this.#cutAtMs.get(delivery) ?? Number.NEGATIVE_INFINITY)
  }
  lost({ code }: Delivery): void {
    this.#confirmations.lost(code, this.#nowMs)
  }
  intentFound(codes: readonly PatientCode[]): boolean {
    return this.#confirmations.intentFound(codes, this.#nowMs)
  }
  isLost(code: PatientCode): boolean {
    return this.#confirmations.isLost(code, this.#nowMs)
  }
  isOver(code: PatientCode): boolean {
    return this.#confirmations.isOver(code, this.#nowMs)
  }
  mayRepeat(code: PatientCode): boolean {
    return this.#confirmations.mayRepeat(code, this.#nowMs)
  }

  nextAtMs(nowMs: number): number | null {
    return this.#confirmations.nextAtMs(nowMs)
  }
  wantsFetch(nowMs: number, mayRetry: boolean): boolean {
    return (this.#due(nowMs, false) ?? (mayRetry ? this.#due(nowMs, true) : undefined)) !== undefined
  }
  nextFetch(nowMs: number, mayRetry: boolean): Fetch | null {
    const fresh = this.#due(nowMs, false)
    const delivery = fresh ?? (mayRetry ? this.#due(nowMs, true) : undefined)
    if (!delivery) return null
    this.#underWay.add(delivery)
    const { code, patient } = delivery
    const fetched = (found: FetchedCode, atMs: number) => this.#fetched(delivery, found, atMs)
    return { code, expected: patient, failedBefore: !fresh, fetched }
  }

  #due(nowMs: number, failed: boolean): Delivery | undefined {
    const due = this.#confirmations.due(nowMs, this.#underWay.size + 1, failed)
    return due.find((delivery) => !this.#underWay.has(delivery))
  }

  #fetched(delivery: Delivery, found: FetchedCode, nowMs: number): void {
    this.#underWay.delete(delivery)
    const { code } = delivery
    const isThere = found.kind === 'patient' && found.isAsExpected
    const verdict =
      found.kind === 'not now'
        ? this.#confirmations.postponed(delivery, nowMs, this.#isReadable(nowMs))
        : this.#confirmations.seen(delivery, isThere, nowMs)
    if (verdict === 'differs') this.#facts.add({ kind: 'differs', code })
    if (verdict === 'confirmed' || verdict === 'differs') this.#pending?.confirmed(delivery)
    if (verdict !== 'send again') return
    this.#facts.add({ kind: 'overtaken', code })
    this.#pending?.overtaken(delivery)
  }
}
