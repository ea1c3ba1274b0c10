import type { Acceptance } from '../model/patient/acceptance.ts'
import type { Patient, PatientCode } from '../model/patient/patient.ts'

/** What the API accepted, and must be seen to have. */
export interface Expected {
  readonly code: PatientCode
  readonly patient: Patient
}

interface Watch<E extends Expected> {
  readonly expected: E
  readonly acceptedAtMs: number
  looks: number
  dueAtMs: number
}

/** How long the API takes from its 200 until a patient can be read, milliseconds: to begin with, and the bounds of what is learned. */
const applyDelay = { firstMs: 5_000, leastMs: 1_000, mostMs: 60_000 }
/** Read back so often, further and further apart, before what was accepted is sent again. */
const looksBeforeAgain = 3
/** Sent again so often: what differs still was not overtaken, the API keeps it in another form. */
const mostAgain = 2

/**
 * Which patients must be read back: an answer that never came, or two versions accepted within the time that the API takes to
 * apply one, may leave the older one standing (a 200 means queued, TRAPS 24). Pure but for its own state; milliseconds of a
 * monotonic clock.
 */
export class Confirmations<E extends Expected> {
  readonly #watched = new Map<PatientCode, Watch<E>>()
  /** When each code was last accepted, oldest first. */
  readonly #accepted = new Map<PatientCode, number>()
  /** How often each was sent again, until the API has it. */
  readonly #again = new Map<PatientCode, number>()
  /** Until when a lost request of a code may be applied. */
  readonly #lostUntilMs = new Map<PatientCode, number>()
  readonly #maxWatched: number
  readonly #overAfterMs: number
  #earlierUntilMs: number | null = null
  #applyMs = applyDelay.firstMs

  /**
   * @param options.maxWatched patients watched at a time; past it a code that was just sent waits until it has been applied.
   * @param options.overAfterMs how long after it was lost a request may be applied, milliseconds.
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
   * @param inDoubt whether an older request may be applied later. @param hasRoom whether memory may keep it.
   * @returns whether it is to be read back before it is believed.
   */
  accepted(expected: E, inDoubt: boolean, nowMs: number, hasRoom = true): Acceptance {
    const { code } = expected
    const isRepeated = this.isRecent(code, nowMs) || this.#watched.has(code)
    this.#accepted.delete(code)
    this.#accepted.set(code, nowMs)
    this.#forget(nowMs)
    const wasWatched = this.#watched.delete(code)
    if (!inDoubt && !isRepeated) return 'certain'
    if (!wasWatched && (this.#watched.size >= this.#maxWatched || !hasRoom)) return 'no room'
    this.#watched.set(code, { expected, acceptedAtMs: nowMs, looks: 0, dueAtMs: nowMs + this.#applyMs })
    return 'read back'
  }

  /** The first moment of this process: requests of an earlier one may be applied for a while after it. */
  beganAt(nowMs: number): void {
    this.#earlierUntilMs ??= nowMs + this.#overAfterMs
  }

  /** Whether no lost request of a code could be applied any more at a time; of an earlier process where this one has lost none. */
  isOver(code: PatientCode, atMs: number): boolean {
    return atMs >= (this.#lostUntilMs.get(code) ?? this.#earlierUntilMs ?? Number.NEGATIVE_INFINITY)
  }

  /** No answer came: if it was accepted, then until now. */
  lost(code: PatientCode, nowMs: number): void {
    this.#lostUntilMs.delete(code)
    this.#lostUntilMs.set(code, nowMs + this.#overAfterMs)
    this.#accepted.delete(code)
    this.#accepted.set(code, nowMs)
    this.#forget(nowMs)
  }

  /** Until when the API may not have applied yet what it accepted of a code last, or may have. */
  recentUntilMs(code: PatientCode): number {
    return (this.#accepted.get(code) ?? Number.NEGATIVE_INFINITY) + this.#applyMs
  }
  isRecent(code: PatientCode, nowMs: number): boolean {
    return nowMs < this.recentUntilMs(code)
  }

  /** Whether a code may be sent now: while too many are watched, not before what was accepted of it last is applied. */
  mayRepeat(code: PatientCode, nowMs: number): boolean {
    return this.#watched.size < this.#maxWatched || !this.isRecent(code, nowMs)
  }

  /** The watches that are due, the oldest first. */
  due(nowMs: number, limit: number): E[] {
    const due: E[] = []
    for (const { dueAtMs, expected } of this.#watched.values()) {
      if (due.length >= limit) break
      if (dueAtMs <= nowMs) due.push(expected)
    }
    return due
  }

  /** When the next one is due, or null; `afterMs`: of those that are not due by then. */
  nextAtMs(afterMs = Number.NEGATIVE_INFINITY): number | null {
    let next: number | null = null
    for (const { dueAtMs } of this.#watched.values())
      if (dueAtMs > afterMs && (next === null || dueAtMs < next)) next = dueAtMs
    return next
  }

  /** What reading back showed. @returns what to do about it; `nothing` if something newer was accepted in the meantime. */
  seen(expected: E, isAsSent: boolean, nowMs: number): 'confirmed' | 'send again' | 'differs' | 'nothing' {
    const watch = this.#watched.get(expected.code)
    if (watch?.expected !== expected) return 'nothing'
    const { code } = expected
    const lostUntilMs = this.#lostUntilMs.get(code)
    if (isAsSent && lostUntilMs !== undefined && lostUntilMs > nowMs) {
      // What was lost may be applied after it yet.
      watch.dueAtMs = lostUntilMs
      return 'nothing'
    }
    if (isAsSent) {
      this.#watched.delete(code)
      this.#again.delete(code)
      // Only what came in the end tells how long it takes: what was overtaken never comes.
      this.#learn(watch.looks === 0 ? this.#applyMs * 0.95 : nowMs - watch.acceptedAtMs)
      return 'confirmed'
    }
    watch.looks++
    if (watch.looks < looksBeforeAgain) {
      watch.dueAtMs = nowMs + this.#applyMs * 2 ** watch.looks
      return 'nothing'
    }
    this.#watched.delete(code)
    const again = this.#again.get(code) ?? 0
    this.#again.set(code, again + 1)
    if (again < mostAgain) return 'send again'
    this.#again.delete(code)
    return 'differs'
  }

  /** It cannot be read now. */
  postponed(expected: E, nowMs: number): void {
    const watch = this.#watched.get(expected.code)
    if (watch?.expected === expected) watch.dueAtMs = nowMs + this.#applyMs
  }

  #learn(ms: number): void {
    this.#applyMs = Math.min(applyDelay.mostMs, Math.max(applyDelay.leastMs, ms))
  }

  #forget(nowMs: number): void {
    for (const [code, untilMs] of this.#lostUntilMs) {
      // For as long again, for who was cut in time and is answered late.
      if (untilMs + this.#overAfterMs > nowMs) break
      this.#lostUntilMs.delete(code)
    }
    for (const [code, atMs] of this.#accepted) {
      if (nowMs - atMs < applyDelay.mostMs && this.#accepted.size < 100_000) break
      if (nowMs - atMs < this.#applyMs) break
      this.#accepted.delete(code)
    }
  }
}
