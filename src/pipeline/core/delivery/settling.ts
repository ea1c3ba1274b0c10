import { Isolation, type Others } from '../../../delivery/isolation/isolation.ts'
import { ProbeShare } from '../../../delivery/isolation/probe-share.ts'
import { type FailedRowsResult, ServerErrorIsolation } from '../../../delivery/isolation/server-error-isolation.ts'
import { type BatchOutcome, refusalOf } from '../../../delivery/outcome.ts'
import type { DeadLetter } from '../../../model/progress/stored-row.ts'
import type { RowKey } from '../../../model/source/row.ts'
import { unreachable } from '../../../model/unreachable.ts'
import type { Delivery } from '../../../pending/entry/version.ts'
import type { Pending } from '../../../pending/pending.ts'

export interface SettlingOptions {
  readonly pending: Pick<Pending, 'accepted' | 'refused' | 'returned' | 'lost' | 'doubted' | 'succeeded'>
  readonly random: () => number
  /** Called if every patient is refused alike. */
  readonly onEveryPatientRefused: (status: number) => void
}

/** Settles the rows of answered batches, and says which rows to send next to find the bad ones. */
export class Settling {
  readonly #pending: SettlingOptions['pending']
  readonly #probeShare = new ProbeShare()
  readonly #isolation: Isolation<Delivery>
  readonly #serverErrors: ServerErrorIsolation<Delivery>
  /** Rows that a search has released since it was last asked. */
  #released: RowKey[] = []
  #refusedAlike: readonly RowKey[] = []

  constructor({ pending, random, onEveryPatientRefused }: SettlingOptions) {
    this.#pending = pending
    const refuse = (delivery: Delivery, deadLetter: DeadLetter) => pending.refused(delivery, deadLetter)
    const probeShare = this.#probeShare
    this.#isolation = new Isolation<Delivery>({
      refuse,
      release: (delivery) => {
        pending.returned(delivery)
        this.#released.push(delivery.key)
      },
      halt: (status) => {
        this.#refusedAlike = this.#released
        // Rows kept after a 5xx wait for another acceptance. Release them: they may be the only rows that would be accepted.
        this.#serverErrors.giveUp()
        onEveryPatientRefused(status)
      },
      // Two rows may have one code, and one row several: each is refused, or accepted, on its own.
      keyOf: ({ key, code }) => `${key}\n${code}`,
      probeShare,
      random,
    })
    this.#serverErrors = new ServerErrorIsolation({ refuse, release: (delivery) => pending.lost(delivery), probeShare })
  }

  /** True while rows are kept to find out which of them is bad. */
  get isSearching(): boolean {
    return !this.#isolation.isIdle || !this.#serverErrors.isIdle
  }
  /** Rows sent most recently before every patient was refused alike. */
  get refusedAlike(): readonly RowKey[] {
    return this.#refusedAlike
  }

  /** Rows that a search keeps wait with the others again. */
  giveUp(): void {
    this.#isolation.giveUp()
    this.#serverErrors.giveUp()
  }

  /** Returns the rows to send next: those that a search asks for, or what `take` returns of those that wait. */
  next(others: Others, take: () => readonly Delivery[]): readonly Delivery[] {
    this.#released = []
    const turn = this.#isolation.next(others)
    if (turn === 'nothing') return []
    const suspects = turn === 'others' ? this.#serverErrors.next(others) : turn
    if (suspects) {
      this.#probeShare.sentOurs()
      return suspects
    }
    const batch = others.waiting ? take() : []
    if (batch.length > 0) this.#probeShare.sentOther()
    return batch
  }

  answered(batch: readonly Delivery[], outcome: Exclude<BatchOutcome, { kind: 'unexpected success' }>): void {
    switch (outcome.kind) {
      case 'accepted':
        for (const delivery of batch) this.#pending.accepted(delivery)
        this.#isolation.accepted(batch)
        this.#serverErrors.accepted(batch)
        return
      case 'isolate':
      case 'split':
        this.#serverErrors.abandoned(batch)
        this.#isolation.refused(batch, refusalOf(outcome))
        return
      case 'retry':
        if (outcome.status !== null && outcome.status >= 500) {
          if (outcome.inDoubt) for (const delivery of batch) this.#pending.doubted(delivery)
          this.#isolation.abandoned(batch)
          this.#serverErrors.failed(batch, outcome.status)
        } else this.giveBack(batch, outcome.inDoubt ? 'lost' : 'returned')
        return
      case 'pause':
      case 'halt':
        this.giveBack(batch, 'returned')
        return
      default:
        unreachable(outcome)
    }
  }

  /** Notes that a batch was answered with a success which is to be proven. */
  succeeded(batch: readonly Delivery[]): void {
    for (const delivery of batch) this.#pending.succeeded(delivery)
  }

  /**
   * Settles a batch whose success was not a documented one, by what reading back shows. A row that it does not show is in doubt, and
   * is treated as one with which the API fails.
   */
  readBack(batch: readonly Delivery[], shown: ReadonlySet<Delivery>, status: number): void {
    const missing = batch.filter((delivery) => !shown.has(delivery))
    if (missing.length === 0) {
      this.answered(batch, { kind: 'accepted' })
      return
    }
    this.#isolation.abandoned(batch)
    if (missing.length < batch.length) {
      this.#serverErrors.abandoned(batch)
      for (const delivery of batch) if (shown.has(delivery)) this.#pending.accepted(delivery)
      this.#serverErrors.accepted([])
    }
    for (const delivery of missing) this.#pending.doubted(delivery)
    this.#serverErrors.failed(missing.length < batch.length ? missing : batch, status)
  }

  /** Settles a batch that was refused although the API accepts the keys: some of its rows are bad, or all are refused alike. */
  refusedInFront(batch: readonly Delivery[], status: number): FailedRowsResult {
    this.#isolation.abandoned(batch)
    return this.#serverErrors.failed(batch, status, true)
  }

  giveBack(batch: readonly Delivery[], as: 'lost' | 'returned'): void {
    for (const delivery of batch) this.#pending[as](delivery)
    this.#isolation.abandoned(batch)
    this.#serverErrors.abandoned(batch)
  }
}
