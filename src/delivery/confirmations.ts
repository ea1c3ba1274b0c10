import type { Acceptance } from '../model/patient/acceptance.ts'
import type { Patient, PatientCode } from '../model/patient/patient.ts'

/** A patient that the API accepted, and that reading back must confirm. */
export interface SentPatient {
  readonly code: PatientCode
  readonly patient: Patient
}

interface Watch<E extends SentPatient> {
  readonly expected: E
  readonly acceptedAtMs: number
  looks: number
  /** True once it was shown as it was sent, while a lost request could still be applied after it. */
  wasShown: boolean
  /** Number of times in succession that it could not be read back, and since when while others could; null: it could. */
  failures: number
  failsSinceMs: number | null
  dueAtMs: number
}

/** Time from the API's 200 until a patient can be read, milliseconds: initial value, and bounds of the learned value. */
const applyDelay = { firstMs: 5_000, minMs: 1_000, maxMs: 60_000 }
/** Number of times that a patient is read back, at growing intervals, before it is sent again. */
const looksBeforeAgain = 3
/** Number of times that a patient is sent again. If it still differs, it was not overtaken: the API stores it in another form. */
const maxResends = 2
/** A patient that cannot be read back for this long while others can is sent again, milliseconds. */
const unreadableMs = 300_000

/** Consequence of reading back. `nothing`: it is read back again, or something newer was accepted in the meantime. */
type Seen = 'confirmed' | 'send again' | 'differs' | 'nothing'

/**
 * Patients that must be read back. After a missing answer, or two versions accepted within the time that the API takes to apply
 * one, the older version may remain (a 200 means queued, fact 24). Pure apart from its own state; milliseconds of a monotonic
 * clock.
 */
export class Confirmations<E extends SentPatient> {
  readonly #watched = new Map<PatientCode, Watch<E>>()
  /** Time of the last acceptance of each code, oldest first. */
  readonly #accepted = new Map<PatientCode, number>()
  /** Time of the last acceptance of each code that subscribes the patient. */
  readonly #subscribed = new Map<PatientCode, number>()
  /** Codes that were accepted and not shown since. */
  readonly #missing = new Set<PatientCode>()
  /** Number of times that each code was sent again, until the API has it. */
  readonly #again = new Map<PatientCode, number>()
  /** Time until which a lost request of a code may be applied. */
  readonly #lostUntilMs = new Map<PatientCode, number>()
  /** Codes of which an earlier process may have lost a request. */
  readonly #lostEarlier = new Set<PatientCode>()
  readonly #maxWatched: number
  readonly #overAfterMs: number
  /** Time until which a request of an earlier process may be applied: not known before this process is the only sender. */
  #earlierUntilMs = Number.POSITIVE_INFINITY
  #applyMs = applyDelay.firstMs

  /**
   * @param options.maxWatched maximum number of watched patients; beyond it a code that was just sent waits until it has been
   * applied.
   * @param options.overAfterMs time after which a lost request can no longer be applied, milliseconds.
   */
  constructor({ maxWatched = 1_000, overAfterMs = 60_000 }: { maxWatched?: number; overAfterMs?: number } = {}) {
    this.#maxWatched = maxWatched
    this.#overAfterMs = overAfterMs
  }

  get applyMs(): number {
    return this.#applyMs
  }
  get watched(): number {
    return this.#watched.size
  }

  /**
   * @param inDoubt true if an older request may be applied later. @param options.hasRoom true if memory may keep it.
   * @param options.cutAtMs time at which it was about to be sent: an earlier acceptance that was not applied then may be applied after it.
   * @returns the consequence: it counts as applied, or is to be read back first.
   */
  accepted(
    expected: E,
    inDoubt: boolean,
    nowMs: number,
    { hasRoom = true, cutAtMs = nowMs }: { readonly hasRoom?: boolean; readonly cutAtMs?: number } = {},
  ): Acceptance {
    const { code } = expected
    const isRepeated = this.isRecent(code, cutAtMs) || this.#watched.has(code)
    this.#missing.delete(code)
    this.#accepted.delete(code)
    this.#accepted.set(code, nowMs)
    this.#subscribed.delete(code)
    if (expected.patient.plan !== undefined) this.#subscribed.set(code, nowMs)
    this.#forget(nowMs)
    const wasWatched = this.#watched.delete(code)
    if (!inDoubt && !isRepeated) return 'certain'
    if (!wasWatched && (this.#watched.size >= this.#maxWatched || !hasRoom))
      return isRepeated ? 'repeated, no room' : 'no room'
    this.#watched.set(code, {
      expected,
      acceptedAtMs: nowMs,
      looks: 0,
      wasShown: false,
      failures: 0,
      failsSinceMs: null,
      dueAtMs: nowMs + this.#applyMs,
    })
    return 'read back'
  }

  /** Sets the time at which this process became the only sender: requests of an earlier one may be applied for some time after it. */
  beganAt(nowMs: number): void {
    if (this.#earlierUntilMs === Number.POSITIVE_INFINITY) this.#earlierUntilMs = nowMs + this.#overAfterMs
  }

  /**
   * An earlier process may have sent these codes, and stored no answer.
   * @returns true if such a request may still be applied.
   */
  intentFound(codes: readonly PatientCode[], nowMs: number): boolean {
    if (nowMs >= this.#earlierUntilMs) return false
    for (const code of codes) this.#lostEarlier.add(code)
    return true
  }

  /** Returns true if a request of a code was lost, whichever row it carried, and could still be applied at a time. */
  isLost(code: PatientCode, atMs: number): boolean {
    return atMs < this.lostUntilMs(code)
  }

  /** Returns true if no lost request of a code can be applied at a time. If this process has lost none, those of an earlier one count. */
  isOver(code: PatientCode, atMs: number): boolean {
    return atMs >= (this.#lostUntilMs.get(code) ?? this.#earlierUntilMs)
  }

  /** Returns the time until which a lost request of a code may be applied; in the past if there is none. */
  lostUntilMs(code: PatientCode): number {
    const earlierMs = this.#lostEarlier.has(code) ? this.#earlierUntilMs : Number.NEGATIVE_INFINITY
    return this.#lostUntilMs.get(code) ?? earlierMs
  }

  /** No answer came. The request may have been accepted as late as now. */
  lost(code: PatientCode, nowMs: number): void {
    this.#lostUntilMs.delete(code)
    this.#lostUntilMs.set(code, nowMs + this.#overAfterMs)
    this.#accepted.delete(code)
    this.#accepted.set(code, nowMs)
    this.#forget(nowMs)
  }

  /** Returns the time until which the API may not have applied what it accepted, or may have accepted, last for a code. */
  recentUntilMs(code: PatientCode): number {
    return (this.#accepted.get(code) ?? Number.NEGATIVE_INFINITY) + this.#applyMs
  }
  /** Returns the time until which a request that was accepted or lost may still subscribe a patient, however slow the API is. */
  subscribesUntilMs(code: PatientCode): number {
    const subscribedAtMs = this.#subscribed.get(code) ?? Number.NEGATIVE_INFINITY
    const ofThisProcess = this.#accepted.has(code) ? subscribedAtMs + applyDelay.maxMs : this.#earlierUntilMs
    return Math.max(ofThisProcess, this.lostUntilMs(code))
  }
  /** A patient is not shown though it was accepted. */
  missing(code: PatientCode): void {
    if (this.#accepted.has(code)) this.#missing.add(code)
  }
  /** A patient is shown. If it was missing since it was accepted, that is how long the API takes to apply. */
  appeared(code: PatientCode, nowMs: number): void {
    const acceptedAtMs = this.#accepted.get(code)
    if (this.#missing.delete(code) && acceptedAtMs !== undefined)
      this.#learn(Math.max(this.#applyMs, nowMs - acceptedAtMs))
  }
  isRecent(code: PatientCode, nowMs: number): boolean {
    return nowMs < this.recentUntilMs(code)
  }

  /** Returns true if a code may be sent now. While too many are watched, a code waits until its last accepted version is applied. */
  mayRepeat(code: PatientCode, nowMs: number): boolean {
    return this.#watched.size < this.#maxWatched || !this.isRecent(code, nowMs)
  }

  /** Returns the watched patients that are due, the oldest first. @param failed true: those that could not be read back the last time. */
  due(nowMs: number, limit: number, failed: boolean): E[] {
    const due: E[] = []
    for (const { dueAtMs, failures, expected } of this.#watched.values()) {
      if (due.length >= limit) break
      if (dueAtMs <= nowMs && failures > 0 === failed) due.push(expected)
    }
    return due
  }

  /** Returns the time at which the next one is due, or null; `afterMs`: only those that are due later than this. */
  nextAtMs(afterMs = Number.NEGATIVE_INFINITY): number | null {
    let next: number | null = null
    for (const { dueAtMs } of this.#watched.values())
      if (dueAtMs > afterMs && (next === null || dueAtMs < next)) next = dueAtMs
    return next
  }

  /** Takes the result of reading back. @returns the action; `nothing` if something newer was accepted in the meantime. */
  seen(expected: E, isAsSent: boolean, nowMs: number): Seen {
    const watch = this.#watched.get(expected.code)
    if (watch?.expected !== expected) return 'nothing'
    watch.failures = 0
    watch.failsSinceMs = null
    const { code } = expected
    const lostUntilMs = this.lostUntilMs(code)
    if (isAsSent && lostUntilMs > nowMs) {
      // The lost request may still be applied after it. One more look halfway, so that it is not noticed only in the end.
      watch.dueAtMs = watch.wasShown ? lostUntilMs : nowMs + (lostUntilMs - nowMs) / 2
      watch.wasShown = true
      return 'nothing'
    }
    if (isAsSent) {
      this.#watched.delete(code)
      this.#again.delete(code)
      // Only a patient that was applied shows how long that takes: an overtaken one never appears.
      this.#learn(watch.looks === 0 ? this.#applyMs * 0.95 : nowMs - watch.acceptedAtMs)
      return 'confirmed'
    }
    if (watch.wasShown) {
      // It was there, and something else replaced it.
      this.#watched.delete(code)
      return 'send again'
    }
    watch.looks++
    if (watch.looks < looksBeforeAgain) {
      watch.dueAtMs = nowMs + this.#applyMs * 2 ** watch.looks
      return 'nothing'
    }
    return this.#notAsSent(code)
  }

  /** The patient is not shown as it was sent: it is sent again, until it counts as stored in another form. */
  #notAsSent(code: PatientCode): Seen {
    this.#watched.delete(code)
    const again = this.#again.get(code) ?? 0
    this.#again.set(code, again + 1)
    if (again < maxResends) return 'send again'
    this.#again.delete(code)
    return 'differs'
  }

  /** The patient cannot be read now. @param isReadable true if others can: after some minutes it counts as not shown then. */
  postponed(expected: E, nowMs: number, isReadable: boolean): Seen {
    const watch = this.#watched.get(expected.code)
    if (watch?.expected !== expected) return 'nothing'
    watch.failsSinceMs = isReadable ? (watch.failsSinceMs ?? nowMs) : null
    const isOver = watch.failsSinceMs !== null && nowMs - watch.failsSinceMs >= unreadableMs
    if (isOver && nowMs >= this.lostUntilMs(expected.code)) return this.#notAsSent(expected.code)
    watch.dueAtMs = nowMs + Math.min(applyDelay.maxMs, this.#applyMs * 2 ** watch.failures)
    watch.failures++
    return 'nothing'
  }

  #learn(ms: number): void {
    this.#applyMs = Math.min(applyDelay.maxMs, Math.max(applyDelay.minMs, ms))
  }

  #forget(nowMs: number): void {
    if (nowMs >= this.#earlierUntilMs + this.#overAfterMs) this.#lostEarlier.clear()
    for (const [code, untilMs] of this.#lostUntilMs) {
      // Keep it for the same time again, for a delivery that was cut in time and is answered late.
      if (untilMs + this.#overAfterMs > nowMs) break
      this.#lostUntilMs.delete(code)
    }
    for (const [code, atMs] of this.#accepted) {
      if (nowMs - atMs < applyDelay.maxMs && this.#accepted.size < 100_000) break
      if (nowMs - atMs < this.#applyMs) break
      this.#accepted.delete(code)
      this.#missing.delete(code)
      this.#subscribed.delete(code)
    }
  }
}
