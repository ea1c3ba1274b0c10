import { isRejected, isToConfirm, type StoredRow } from '../../model/progress/stored-row.ts'
import { comparePositions } from '../../model/source/position.ts'
import type { Entry, LookUp } from '../entry/entry.ts'
import type { EntryScheduler } from '../queue/entry-scheduler.ts'

/** Loads rows' records from the store. */
export class Loads {
  readonly #scheduler: EntryScheduler
  readonly #isRestart: boolean

  /** @param isRestart true if an earlier run may have sent something without recording the answer. */
  constructor(scheduler: EntryScheduler, { isRestart }: { readonly isRestart: boolean }) {
    this.#scheduler = scheduler
    this.#isRestart = isRestart
  }

  /** Number of rows whose record is to be loaded. */
  get waiting(): number {
    return this.#scheduler.queues.size('look up')
  }

  /** Returns the oldest of them. */
  first(limit: number): LookUp[] {
    return this.#scheduler.queues.first('look up', limit)
  }

  /**
   * Takes the answer for a row. @param isShared true if another row has its code: then it is not known whose patient the API has.
   * Ignore the answer if the row was settled, stored and forgotten in the meantime: it is stale, and the row is asked for again.
   */
  loaded(asked: LookUp, stored: StoredRow | null, isShared: boolean): void {
    const entry = this.#scheduler.entries.find(asked.key)
    if (entry !== asked || entry.stored !== undefined) return
    entry.load(stored)
    if (this.#isUnanswered(stored)) entry.doubtAnswer()
    if (isShared || this.#isCodeStale(entry)) entry.doubt()
    const { waiting } = entry
    // 3a, once more: a change that an earlier run settled needs neither memory nor a request.
    if (waiting?.origin === 'stream' && waiting.position && stored?.position) {
      if (comparePositions(waiting.position, stored.position) <= 0)
        this.#scheduler.settle(entry, waiting, 'superseded', null)
    }
    this.#scheduler.schedule(entry)
  }

  /** Returns true if an earlier run noted the row before sending it and noted no answer, or if its answer is still to be confirmed. */
  #isUnanswered(stored: StoredRow | null): boolean {
    const isIntent = stored && !stored.removed && !stored.fingerprint && !isRejected(stored) && !stored.owed
    return (this.#isRestart && Boolean(isIntent)) || (stored !== null && isToConfirm(stored.owed))
  }

  /** Returns true if another row's request with this code was noted after the query: what the store said of the code is stale. */
  #isCodeStale({ key, stored }: Entry): boolean {
    const code = stored?.code
    if (!code) return false
    return this.#scheduler.queues.isInFlight(code) || this.#scheduler.entries.isCodeOwnedUnrecorded(code, key)
  }
}
