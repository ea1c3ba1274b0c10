import type { PatientCode } from '../model/patient/patient.ts'
import type { Lsn } from '../model/source/lsn.ts'
import type { RowKey } from '../model/source/row.ts'
import type { Entry } from './entry/entry.ts'
import type { Step } from './entry/next-step.ts'
import { codeOf, type Removal } from './entry/version.ts'
import type { Placement } from './queue/placement.ts'
import type { Reads } from './read/reads.ts'

/** A code that is to be ended, for which a full record must be found, and the row that has it no longer. */
export type EndingCode = Extract<Step, { kind: 'resolve removal' }> & { readonly key: RowKey }

/** Codes that are to be ended: which of them may be looked into now, what was found, and who has a code by now. */
export class CodeEnds {
  readonly #placement: Placement
  readonly #reads: Pick<Reads, 'isPassed'>

  constructor(placement: Placement, reads: Pick<Reads, 'isPassed'>) {
    this.#placement = placement
    this.#reads = reads
  }

  /** Rows that wait for the record of a code that ends. */
  get waiting(): number {
    return this.#placement.queues.size('resolve removal')
  }

  /**
   * Returns the codes whose records are to be found. Left out are:
   * - all of them in the hold;
   * - a code that another row ends too: each of the two would believe that the other has it;
   * - one that only a read ended, before the stream shows who has it now;
   * - one of which another row's record is not loaded;
   * - one that a row of the same transaction may have, whose code must be read first.
   */
  toResolve(limit: number): EndingCode[] {
    const found: EndingCode[] = []
    if (this.#placement.isHeld || this.waiting === 0) return found
    const unclear = this.#transactionsWithUnknownCodes()
    const entries = this.#placement.queues.first('resolve removal', Number.POSITIVE_INFINITY)
    const ending = new Set(entries.map(({ resolving }) => resolving))
    for (const entry of entries) {
      if (found.length >= limit) break
      const { waiting } = entry
      if (entry.resolving !== null || !waiting) continue
      if (!this.isShown(entry)) continue
      if (waiting.position && unclear.has(waiting.position.commitLsn)) continue
      const step = this.#placement.nextStep(entry)
      if (step.kind !== 'resolve removal' || ending.has(step.code)) continue
      if (this.#placement.queues.isUndecided(step.code, entry)) continue
      entry.resolve(step.code)
      ending.add(step.code)
      found.push({ ...step, key: entry.key })
    }
    return found
  }

  /** Whether the stream has shown who has the codes of a row now: of what only a read told, once it has passed the read. */
  isShown({ waiting }: Entry): boolean {
    return waiting?.origin !== 'read' || !waiting.read || this.#reads.isPassed(waiting.read.endLsn)
  }

  #transactionsWithUnknownCodes(): Set<Lsn> {
    const unclear = new Set<Lsn>()
    for (const { waiting } of this.#placement.queues.first('read', Number.POSITIVE_INFINITY))
      if (waiting?.position && codeOf(waiting.content) === null) unclear.add(waiting.position.commitLsn)
    return unclear
  }

  /** The record of a code was not found now: it is looked for again. */
  notResolved(key: RowKey, code: PatientCode): void {
    const entry = this.#placement.entries.find(key)
    if (entry?.resolving === code) this.#placement.stopResolving(entry)
  }

  /** The answer to `toResolve`. */
  resolved(key: RowKey, removal: Removal): void {
    const entry = this.#placement.entries.find(key)
    if (!entry || entry.resolving !== removal.code) return
    this.#placement.stopResolving(entry)
    if (!entry.waiting || entry.inFlight) return
    // Another row may have taken the code, or ended it, in the meantime.
    const step = this.#placement.nextStep(entry)
    if (step.kind !== 'resolve removal' || step.code !== removal.code) return
    entry.end(removal)
    if (removal.kind === 'left') this.#placement.doubtOthers(entry, removal.code)
    this.#placement.place(entry)
  }

  /** Whether a code belongs to another row by now: ending it would end that row's patient. */
  isClaimed(code: PatientCode, key: RowKey): boolean {
    const { entries, queues } = this.#placement
    const entry = entries.find(key)
    return entry !== undefined && (queues.isClaimed(code, entry) || entries.isHeldUnrecorded(code, key))
  }

  /** Whether a row that has a code by the store has it still: memory may know that it gave it up, before the store does. */
  mayHold(code: PatientCode, key: RowKey): boolean {
    const stored = this.#placement.entries.find(key)?.stored
    if (stored === undefined) return true
    return stored !== null && ((!stored.removed && stored.code === code) || stored.owed?.nextCode === code)
  }
}
