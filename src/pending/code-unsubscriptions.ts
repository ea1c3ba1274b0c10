import type { PatientCode } from '../model/patient/patient.ts'
import type { Lsn } from '../model/source/lsn.ts'
import type { RowKey } from '../model/source/row.ts'
import type { Entry } from './entry/entry.ts'
import type { Step } from './entry/next-step.ts'
import { codesOwnedBy } from './entry/record-codes.ts'
import { codeOf, type Removal } from './entry/version.ts'
import type { EntryScheduler } from './queue/entry-scheduler.ts'
import type { Reads } from './read/reads.ts'

/**
 * A code that is to be unsubscribed, for which a full record must be found, and the row that no longer has it. `isAccepted`: mediQuo has
 * accepted something with the code. `soughtForMs`: time for which it did not show the patient.
 */
export type CodeToUnsubscribe = Extract<Step, { kind: 'resolve removal' }> & {
  readonly key: RowKey
  readonly isAccepted: boolean
  readonly soughtForMs: number | null
}

/** Codes that are to be unsubscribed: selects those to resolve now, takes the results, and finds the present owner of a code. */
export class CodeUnsubscriptions {
  readonly #scheduler: EntryScheduler
  readonly #reads: Pick<Reads, 'isPassed'>

  constructor(scheduler: EntryScheduler, reads: Pick<Reads, 'isPassed'>) {
    this.#scheduler = scheduler
    this.#reads = reads
  }

  /** Number of rows that wait for the record of a code to unsubscribe. */
  get waiting(): number {
    return this.#scheduler.queues.size('resolve removal')
  }

  /**
   * Returns the codes whose records are to be found. Left out are:
   * - all of them in the hold;
   * - a code that another row ends too: each of the two would believe that the other has it;
   * - a code that only a read ended, before the stream shows which row has it now;
   * - a code of which another row has a record that is not loaded;
   * - a code that another row of the same transaction may have: that row's code must be read first.
   */
  toResolve(limit: number): CodeToUnsubscribe[] {
    const found: CodeToUnsubscribe[] = []
    if (this.#scheduler.isSendingHeld || this.waiting === 0) return found
    const unclear = this.#transactionsWithUnknownCodes()
    const entries = this.#scheduler.queues.first('resolve removal', Number.POSITIVE_INFINITY)
    const ending = new Set(entries.map(({ resolving }) => resolving))
    for (const entry of entries) {
      if (found.length >= limit) break
      const { waiting } = entry
      if (entry.resolving !== null || !waiting) continue
      if (!this.isShown(entry)) continue
      if (waiting.position && unclear.has(waiting.position.commitLsn)) continue
      const step = this.#scheduler.nextStep(entry)
      if (step.kind !== 'resolve removal' || ending.has(step.code)) continue
      if (this.#scheduler.queues.isUndecided(step.code, entry)) continue
      entry.resolve(step.code)
      ending.add(step.code)
      const isAccepted = entry.acceptedCodes.includes(step.code)
      found.push({ ...step, key: entry.key, isAccepted, soughtForMs: entry.stored?.owed?.soughtForMs ?? null })
    }
    return found
  }

  /**
   * Returns true if the stream has shown which row has the codes of a row now. After an end that only a read showed: once the
   * stream has passed the read.
   */
  isShown({ waiting }: Entry): boolean {
    return waiting?.origin !== 'read' || !waiting.read || this.#reads.isPassed(waiting.read.endLsn)
  }

  #transactionsWithUnknownCodes(): Set<Lsn> {
    const unclear = new Set<Lsn>()
    for (const { waiting } of this.#scheduler.queues.first('read', Number.POSITIVE_INFINITY))
      if (waiting?.position && codeOf(waiting.content) === null) unclear.add(waiting.position.commitLsn)
    return unclear
  }

  /** The record of a code was not found now: it will be looked for again. */
  notResolved(key: RowKey, code: PatientCode): void {
    const entry = this.#scheduler.entries.find(key)
    if (entry?.resolving === code) this.#scheduler.stopResolving(entry)
  }

  /** Takes an answer to `toResolve`. */
  resolved(key: RowKey, removal: Removal): void {
    const entry = this.#scheduler.entries.find(key)
    if (!entry || entry.resolving !== removal.code) return
    this.#scheduler.stopResolving(entry)
    if (!entry.waiting || entry.inFlight) return
    // The version may be another one by now: its code is resolved again once the stream shows who has it.
    if (!this.isShown(entry)) return
    // Another row may have taken or ended the code in the meantime.
    const step = this.#scheduler.nextStep(entry)
    if (step.kind !== 'resolve removal' || step.code !== removal.code) return
    entry.end(removal)
    if (removal.kind === 'left') this.#scheduler.doubtOthers(entry, removal.code)
    this.#scheduler.schedule(entry)
  }

  /** Returns true if a code belongs to another row by now: unsubscribing it would unsubscribe that row's patient. */
  isCodeOwnedByOther(code: PatientCode, key: RowKey): boolean {
    const { entries, queues } = this.#scheduler
    const entry = entries.find(key)
    return entry !== undefined && (queues.isCodeOwnedByOther(code, entry) || entries.isCodeOwnedUnrecorded(code, key))
  }

  /** Returns true if a row that has a code in the store still has it: memory may know earlier than the store that the row gave it up. */
  mayOwnCode(code: PatientCode, key: RowKey): boolean {
    const stored = this.#scheduler.entries.find(key)?.stored
    if (stored === undefined) return true
    return stored !== null && codesOwnedBy(stored).includes(code)
  }
}
