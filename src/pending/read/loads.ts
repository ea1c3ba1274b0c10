import type { StoredRow } from '../../model/progress/stored-row.ts'
import { comparePositions } from '../../model/source/position.ts'
import type { Entry, LookUp } from '../entry/entry.ts'
import type { Placement } from '../queue/placement.ts'

/** Loads of rows' records from the store. */
export class Loads {
  readonly #placement: Placement
  readonly #isRestart: boolean

  /** @param isRestart whether an earlier run may have sent what the store does not know to be answered. */
  constructor(placement: Placement, { isRestart }: { readonly isRestart: boolean }) {
    this.#placement = placement
    this.#isRestart = isRestart
  }

  /** Rows whose record is to be loaded. */
  get waiting(): number {
    return this.#placement.queues.size('look up')
  }

  /** The oldest of them. */
  first(limit: number): LookUp[] {
    return this.#placement.queues.first('look up', limit)
  }

  /** The answer. @param isShared whether another row has its code: nobody knows then whose patient the API has. A row that was settled, stored and forgotten since it was asked for is asked for again: the answer is stale. */
  loaded(asked: LookUp, stored: StoredRow | null, isShared: boolean): void {
    const entry = this.#placement.entries.find(asked.key)
    if (entry !== asked || entry.stored !== undefined) return
    entry.load(stored)
    if (this.#isUnanswered(stored)) entry.doubtAnswer()
    if (isShared || this.#isCodeStale(entry)) entry.doubt()
    const { waiting } = entry
    // 3a, once more: what an earlier run settled costs neither memory nor a request.
    if (waiting?.origin === 'stream' && waiting.position && stored?.position) {
      if (comparePositions(waiting.position, stored.position) <= 0)
        this.#placement.settle(entry, waiting, 'superseded', null)
    }
    this.#placement.place(entry)
  }

  /** An earlier run noted it before it sent it, and no answer after; or its answer is still to be believed. */
  #isUnanswered(stored: StoredRow | null): boolean {
    const isIntent = stored && !stored.removed && !stored.fingerprint && !stored.deadLetter && !stored.owed
    return (this.#isRestart && Boolean(isIntent)) || stored?.owed?.reason === 'confirm'
  }

  /** Asked before another row's request with this code was noted: what the store said of the code is stale. */
  #isCodeStale({ key, stored }: Entry): boolean {
    const code = stored?.code
    if (!code) return false
    return this.#placement.queues.isInFlight(code) || this.#placement.entries.isHeldUnrecorded(code, key)
  }
}
