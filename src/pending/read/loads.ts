import { isToConfirm, type StoredRow } from '../../model/progress/stored-row.ts'
import { comparePositions } from '../../model/source/position.ts'
import type { Entry, LookUp } from '../entry/entry.ts'
import { codesNamedBy } from '../entry/record-codes.ts'
import type { EntryScheduler } from '../queue/entry-scheduler.ts'

/** Loads rows' records from the store. */
export class Loads {
  readonly #scheduler: EntryScheduler

  constructor(scheduler: EntryScheduler) {
    this.#scheduler = scheduler
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
    const { entries } = this.#scheduler
    const entry = entries.find(asked.key)
    if (entry !== asked || entry.stored !== undefined) return
    // Rule 12a: another row gave up a code of this row after the query, or in a write that is not stored yet.
    const isOutdated = entry.isOutdated
    entries.load(entry, stored)
    if (stored && this.#isUnanswered(stored)) entry.doubtAnswer()
    // An older request may have been applied after the removal was accepted: if the row has another code now, nobody ends this one.
    if (stored?.removed && stored.code !== null && isToConfirm(stored.owed)) entry.remember(stored.code)
    if (isShared || this.#isCodeStale(entry)) entry.doubt()
    const { waiting } = entry
    // 3a, once more: a change that an earlier run settled needs neither memory nor a request.
    if (waiting?.origin === 'stream' && waiting.position && stored?.position) {
      if (comparePositions(waiting.position, stored.position) <= 0)
        this.#scheduler.settle(entry, waiting, 'superseded', null)
    }
    if (stored && isOutdated) entries.oweAgain(entry, { accepted: [], isInDoubt: this.#isAnyLost(stored) })
    if (stored) entries.oweTaken(entry, stored)
    this.#scheduler.schedule(entry)
  }

  /**
   * Returns true if a request of the row may still be applied. A record without a fingerprint may be an intent: an earlier process
   * stored it before a request, and stored no answer (rule 7). If the row is owed, the reason tells.
   */
  #isUnanswered(stored: StoredRow): boolean {
    const { code, owed, formerCodes } = stored
    if (stored.fingerprint !== null || (owed && !isToConfirm(owed))) return false
    // A tombstone too: its code may have been sent before.
    const isUnknown = this.#scheduler.confirming.intentFound(codesNamedBy({ code, removed: false, owed, formerCodes }))
    return isUnknown || isToConfirm(stored.owed)
  }

  #isAnyLost(stored: StoredRow): boolean {
    return codesNamedBy(stored).some((code) => this.#scheduler.confirming.isLost(code))
  }

  /** Returns true if another row's request with this code was noted after the query: what the store said of the code is stale. */
  #isCodeStale({ key, stored }: Entry): boolean {
    const code = stored?.code
    if (!code) return false
    return this.#scheduler.queues.isInFlight(code) || this.#scheduler.entries.isCodeOwnedUnrecorded(code, key)
  }
}
