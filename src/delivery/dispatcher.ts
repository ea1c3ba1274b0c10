import type { WakeUp } from '../lifecycle/wake-up.ts'
import type { Patient, PatientCode } from '../model/patient.ts'
import { stateCannotBeWritten } from '../model/status.ts'
import type { DeadLetter } from '../model/stored-row.ts'
import { Circuit, type Signal, type Trouble } from './circuit.ts'
import { Concurrency } from './concurrency.ts'
import { Isolation, type Others, type Refusal } from './isolation.ts'
import { Poison } from './poison.ts'
import type { Permit } from './quota.ts'
import { Share } from './share.ts'

/** What the dispatcher needs to know of a patient on its way; the pending set makes them. */
export interface Parcel {
  readonly code: PatientCode
  readonly patient: Patient
}

/** What an attempt to deliver a batch came to (`mediquo/outcome.ts`). */
export type BatchOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'retry'; readonly reason: string; readonly inDoubt: boolean; readonly status: number | null }
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'isolate'; readonly status: number; readonly named: Refusal['named'] }
  | { readonly kind: 'split' }
  | { readonly kind: 'halt'; readonly reason: string; readonly status: number }

export interface DispatcherOptions<P extends Parcel> {
  readonly pending: {
    take(limit: number): P[]
    accepted(parcel: P): void
    refused(parcel: P, deadLetter: DeadLetter): void
    returned(parcel: P): void
    lost(parcel: P): void
    /** It may have been applied, and is kept here to be sent again. */
    doubted(parcel: P): void
  }
  /** Rows that are worth a request now. */
  readonly sendable: () => number
  readonly quota: { next(signal: AbortSignal): Promise<Permit | null> }
  /** `remaining`: what the API says is left of its window. */
  readonly put: (
    patients: readonly Patient[],
  ) => Promise<{ readonly outcome: BatchOutcome; readonly remaining: number | null }>
  /** Durably notes what is about to leave, and how far the stream was received (MERGE rule 9). */
  readonly beforeSending: () => Promise<void>
  /** False while this instance may not send: it does not hold the slot, or a transaction is still arriving. */
  readonly maySend: () => boolean
  readonly batchSize: number
  readonly maxInFlight: number
  readonly requestsPerMinute: number
  /** Rung whenever something may have become sendable. */
  readonly wakeUp: WakeUp
  readonly onBatch: (batch: readonly P[], outcome: BatchOutcome) => void
  /** Every patient is refused alike. */
  readonly onRejecting: (status: number) => void
  readonly onError: (error: unknown) => void
  readonly monotonicMs: () => number
  readonly random: () => number
}

/**
 * Cuts a batch at the moment the quota grants a request, and settles it by its answer. Nothing lingers: alone, a change
 * leaves at once; under load, batches fill by themselves.
 */
export class Dispatcher<P extends Parcel> {
  readonly #options: DispatcherOptions<P>
  readonly #circuit = new Circuit()
  readonly #share = new Share()
  readonly #concurrency: Concurrency
  readonly #isolation: Isolation<P>
  readonly #poison: Poison<P>
  readonly #inFlight = new Set<Promise<void>>()

  constructor(options: DispatcherOptions<P>) {
    const { pending, wakeUp, monotonicMs, random, requestsPerMinute, maxInFlight, onRejecting } = options
    this.#options = options
    this.#concurrency = new Concurrency({ requestsPerMinute, most: maxInFlight })
    const refuse = (parcel: P, deadLetter: DeadLetter) => pending.refused(parcel, deadLetter)
    this.#isolation = new Isolation<P>({
      refuse,
      release: (parcel) => {
        pending.returned(parcel)
        // It may be let go of while a batch is cut, after what waits was counted.
        wakeUp.ring()
      },
      halt: (status) => {
        this.#circuit.observe({ kind: 'rejecting', status }, monotonicMs(), random())
        // What a 5xx keeps waits for something to be accepted: it may be the only rows that would be.
        this.#poison.giveUp()
        onRejecting(status)
      },
      isSame: (a, b) => a.code === b.code,
      share: this.#share,
      random,
    })
    this.#poison = new Poison<P>({ refuse, release: (parcel) => pending.lost(parcel), share: this.#share })
  }

  get requestsInFlight(): number {
    return this.#inFlight.size
  }
  get trouble(): Trouble | null {
    return this.#circuit.trouble
  }

  /** Sends until the signal aborts, then waits for what is in flight. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { quota, wakeUp, batchSize } = this.#options
    const stop = () => wakeUp.ring()
    signal.addEventListener('abort', stop, { once: true })
    while (!signal.aborted) {
      const waitMs = this.#hasWork() ? this.#waitMs() : null
      if (waitMs !== 0) {
        await wakeUp.heard(waitMs ?? undefined)
        continue
      }
      const permit = await quota.next(signal)
      if (!permit) break
      const batch = this.#mayStart(signal) ? this.#cut(batchSize) : []
      if (batch.length > 0) {
        this.#launch(batch, permit)
      } else {
        permit.unused()
        // What waits belongs to codes in flight: their answers ring.
        if (!signal.aborted) await wakeUp.heard(1_000)
      }
    }
    signal.removeEventListener('abort', stop)
    await Promise.all(this.#inFlight)
    this.#isolation.giveUp()
    this.#poison.giveUp()
  }

  #hasWork(): boolean {
    const isLooking = !this.#isolation.isIdle || !this.#poison.isIdle
    return this.#options.maySend() && (isLooking || this.#options.sendable() > 0)
  }

  /** What leaves now: rows that a bad one is looked for among, or the oldest that wait. */
  #cut(limit: number): readonly P[] {
    const others = { waiting: this.#options.sendable() > 0, inFlight: this.#inFlight.size }
    const batch = this.#cutBeside(others, limit)
    // Of what waits nothing can leave: newer versions, it may be, of the very rows that wait for something else to be sent.
    return batch.length === 0 && others.waiting ? this.#cutBeside({ ...others, waiting: false }, limit) : batch
  }

  #cutBeside(others: Others, limit: number): readonly P[] {
    const turn = this.#isolation.next(others)
    if (turn === 'nothing') return []
    const suspects = turn === 'others' ? this.#poison.next(others) : turn
    if (suspects) {
      this.#share.sentOurs()
      return suspects
    }
    const batch = others.waiting ? this.#options.pending.take(limit) : []
    if (batch.length > 0) this.#share.sentOther()
    return batch
  }

  /** Looked at again once the permit is there: things may have changed meanwhile. */
  #mayStart(signal: AbortSignal): boolean {
    return !signal.aborted && this.#options.maySend() && this.#waitMs() === 0
  }

  #waitMs(): number | null {
    return this.#circuit.waitMs(this.#options.monotonicMs(), this.#inFlight.size, this.#concurrency.limit)
  }

  #launch(batch: readonly P[], permit: Permit): void {
    const sent = this.#send(batch, permit)
      .catch(this.#options.onError)
      .finally(() => {
        this.#inFlight.delete(sent)
        this.#options.wakeUp.ring()
      })
    this.#inFlight.add(sent)
  }

  async #send(batch: readonly P[], permit: Permit): Promise<void> {
    const { beforeSending, put, monotonicMs, random, onBatch, maySend } = this.#options
    try {
      await beforeSending()
    } catch (error) {
      permit.unused()
      this.#giveBack(batch, 'returned')
      this.#circuit.observe({ kind: 'outage', reason: stateCannotBeWritten }, monotonicMs(), random())
      throw error
    }
    if (!maySend()) {
      permit.unused()
      this.#giveBack(batch, 'returned')
      return
    }
    const leftAtMs = monotonicMs()
    const { outcome, remaining } = await put(batch.map(({ patient }) => patient))
    permit.answered(remaining)
    if (outcome.kind !== 'pause') this.#concurrency.answered(monotonicMs() - leftAtMs, outcome.kind === 'retry')
    this.#circuit.observe(signalOf(outcome), monotonicMs(), random())
    this.#settle(batch, outcome)
    onBatch(batch, outcome)
  }

  #settle(batch: readonly P[], outcome: BatchOutcome): void {
    switch (outcome.kind) {
      case 'accepted':
        for (const parcel of batch) this.#options.pending.accepted(parcel)
        this.#isolation.accepted(batch)
        this.#poison.accepted(batch)
        return
      case 'isolate':
        this.#poison.abandoned(batch)
        this.#isolation.refused(batch, { reason: 'refused', status: outcome.status, named: outcome.named })
        return
      case 'split':
        this.#poison.abandoned(batch)
        this.#isolation.refused(batch, { reason: 'too large', status: 413, named: [] })
        return
      case 'retry':
        if (outcome.status !== null && outcome.status >= 500) {
          if (outcome.inDoubt) for (const parcel of batch) this.#options.pending.doubted(parcel)
          this.#isolation.abandoned(batch)
          this.#poison.failed(batch, outcome.status)
        } else this.#giveBack(batch, outcome.inDoubt ? 'lost' : 'returned')
        return
      default:
        this.#giveBack(batch, 'returned')
    }
  }

  #giveBack(batch: readonly P[], as: 'lost' | 'returned'): void {
    for (const parcel of batch) this.#options.pending[as](parcel)
    this.#isolation.abandoned(batch)
    this.#poison.abandoned(batch)
  }
}

function signalOf(outcome: BatchOutcome): Signal {
  switch (outcome.kind) {
    case 'retry':
      return { kind: 'outage', reason: outcome.reason }
    case 'pause':
      return { kind: 'rate limited', ms: outcome.ms }
    case 'halt':
      return { kind: 'halted', reason: outcome.reason }
    case 'accepted':
      return { kind: 'well' }
    default:
      return { kind: 'refused' }
  }
}
