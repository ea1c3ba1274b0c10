import { nobody } from '../../../model/patient/nobody.ts'
import type { FetchedCode } from '../events.ts'
import type { Fetch, FetchSource } from './code-fetching.ts'

/** Called with true if the API takes the keys, so that something about the batch is refused. */
type Answered = (keysAreAccepted: boolean, nowMs: number) => void

interface Question<B> {
  readonly batch: B
  readonly answered: Answered
}

/**
 * Tells an API that refuses the keys from something in front of it that refuses a batch: asks for a code that no patient has. One
 * question serves all batches that were refused before it.
 */
export class Control<B> implements FetchSource {
  #waiting: Question<B>[] = []
  #asked: Question<B>[] = []

  /** Number of batches that wait for an answer. */
  get batches(): number {
    return this.#waiting.length + this.#asked.length
  }

  ask(batch: B, answered: Answered): void {
    this.#waiting.push({ batch, answered })
  }

  /** Asks no longer. @returns the batches of which nothing is known. */
  giveUp(): readonly B[] {
    const batches = [...this.#asked, ...this.#waiting].map(({ batch }) => batch)
    this.#asked = []
    this.#waiting = []
    return batches
  }

  wantsFetch(): boolean {
    return this.#waiting.length > 0 && this.#asked.length === 0
  }
  nextFetch(): Fetch | null {
    if (!this.wantsFetch()) return null
    const asked = this.#waiting
    this.#asked = asked
    this.#waiting = []
    return { code: nobody, expected: null, fetched: (found, atMs) => this.#fetched(asked, found, atMs) }
  }

  #fetched(asked: readonly Question<B>[], found: FetchedCode, nowMs: number): void {
    if (this.#asked !== asked) return
    this.#asked = []
    for (const { answered } of asked) answered(found.kind !== 'not now', nowMs)
  }
}
