import type { Pending } from '../../../pending/pending.ts'
import type { Sending } from '../delivery/sending.ts'
import type { Effect } from '../effects.ts'
import type { Facts } from '../facts.ts'

export interface BackPressureOptions {
  readonly pending: Pick<Pending, 'fill' | 'unloaded' | 'owe' | 'oweSendable' | 'oweUnsubscriptions' | 'isSendingHeld'>
  readonly sending: Pick<Sending, 'isUnderWay' | 'refusedAlike'>
  readonly facts: Facts
  readonly maxUnloaded: number
  readonly mayRead: () => boolean
  /** Called when rows were owed. They are due after this many milliseconds, once their note is stored. */
  readonly onOwed: (delayMs: number) => void
}

/** The stream resumes when memory is at most this full. */
const resumeBelow = 0.9
/** Rows refused with everything else are sent again after this many milliseconds, at the earliest. */
const refusedAgainMs = 60_000

/**
 * The only owner of pause and resume, the hold included. Whatever fills memory, something that frees it stays enabled:
 * 1. rows whose records are not loaded: loading;
 * 2. rows to be sent: requests;
 * 3. rows to be read: reads or, while reads are not allowed, a note that the rows are owed;
 * 4. rows of the transaction that is still arriving, and codes to be unsubscribed beyond their bound: the same note;
 * 5. rows that were sent while everything is refused: the same note, to make room for rows that may be accepted.
 */
export class BackPressure {
  readonly #options: BackPressureOptions
  #isPaused = false
  #pausedAtMs = 0

  constructor(options: BackPressureOptions) {
    this.#options = options
  }

  get isPaused(): boolean {
    return this.#isPaused
  }
  /** Resets the state for a new connection: it delivers until it is paused. */
  opened(): void {
    this.#isPaused = false
  }

  /** Returns how long the stream has been paused, milliseconds; 0 if it is not paused. */
  pausedMs(nowMs: number): number {
    return this.#isPaused ? nowMs - this.#pausedAtMs : 0
  }

  effects(nowMs: number, out: Effect[]): void {
    this.#owe()
    const mustPause = this.#mustPause
    if (mustPause === this.#isPaused) return
    this.#isPaused = mustPause
    this.#pausedAtMs = nowMs
    out.push({ kind: mustPause ? 'pause stream' : 'resume stream' })
  }

  get #mustPause(): boolean {
    const { pending, maxUnloaded } = this.#options
    // In the hold only the stream ends the hold. Pause it only for rows whose records are not loaded.
    const lag = pending.unloaded / maxUnloaded
    const fill = pending.isSendingHeld ? lag : Math.max(lag, pending.fill)
    return this.#isPaused ? fill > resumeBelow : fill >= 1
  }

  /** True while memory is full, or not empty enough to resume: nothing arrives that could free the rest. */
  get #isFull(): boolean {
    const { pending } = this.#options
    return !pending.isSendingHeld && (this.#isPaused ? pending.fill > resumeBelow : pending.fill >= 1)
  }

  #owe(): void {
    const { pending, sending, mayRead } = this.#options
    let rows = pending.oweUnsubscriptions()
    // Owe nothing while requests free memory: a note costs a read and WAL.
    if (this.#isFull && !sending.isUnderWay) rows += pending.owe({ mayRead: mayRead() })
    this.#owed(rows, 0)
    if (!this.#isFull) return
    this.#owed(sending.refusedAlike.filter((key) => pending.oweSendable(key, refusedAgainMs)).length, refusedAgainMs)
  }

  #owed(rows: number, delayMs: number): void {
    if (rows === 0) return
    this.#options.facts.add({ kind: 'rows owed', rows })
    this.#options.onOwed(delayMs)
  }
}
