import { nobody } from '../../../model/patient/nobody.ts'
import type { FetchedCode } from '../events.ts'
import type { Fetch, FetchSource } from './code-fetching.ts'

/** Called with true if the API refuses the keys, and with false if something about the batch is refused. */
type Answered = (keysAreRefused: boolean, nowMs: number) => void

/** A batch that was refused, with the status. */
interface Refused<B> {
  readonly batch: B
  readonly status: number
}

interface Question<B> extends Refused<B> {
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

  /** Number of these batches that take no place of a request, since the answer may not come: one. More may mean that all are refused. */
  get spared(): number {
    return Math.min(1, this.batches)
  }

  ask(refused: Refused<B>, answered: Answered): void {
    this.#waiting.push({ ...refused, answered })
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
    for (const { answered, status } of asked) answered(areKeysRefused(found, status), nowMs)
  }
}

/**
 * Returns true if the API refuses the keys. A question that is not answered says nothing of them, and must not halt what else is accepted:
 * only a 401 is about the keys then.
 */
function areKeysRefused(found: FetchedCode, status: number): boolean {
  if (found.kind !== 'not now') return false
  return found.isRefused === true || status === 401
}
