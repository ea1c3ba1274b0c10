import type { WakeUp } from '../lifecycle/wake-up.ts'
import type { Patient, PatientCode } from '../model/patient.ts'
import type { DeadLetter } from '../model/stored-row.ts'
import { Bisection } from './bisection.ts'
import { Circuit, type Signal, type Trouble } from './circuit.ts'
import type { Permit } from './quota.ts'

/** What the dispatcher needs to know of a patient on its way; the pending set makes them. */
export interface Parcel {
  readonly code: PatientCode
  readonly patient: Patient
}

/** What an attempt to deliver a batch came to (`mediquo/outcome.ts`). */
export type BatchOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'retry'; readonly reason: string; readonly inDoubt: boolean }
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'isolate'; readonly status: number }
  | { readonly kind: 'split' }
  | { readonly kind: 'halt'; readonly reason: string; readonly status: number }

export interface DispatcherOptions<P extends Parcel> {
  readonly pending: {
    readonly sendable: number
    take(limit: number): P[]
    accepted(parcel: P): void
    refused(parcel: P, deadLetter: DeadLetter): void
    returned(parcel: P): void
    lost(parcel: P): void
  }
  readonly quota: { next(signal: AbortSignal): Promise<Permit | null> }
  readonly put: (patients: readonly Patient[]) => Promise<BatchOutcome>
  /** Durably notes what is about to leave, and how far the stream was received (MERGE rule 9). */
  readonly beforeSending: () => Promise<void>
  /** False while this instance may not send: it does not hold the slot, or a transaction is still arriving. */
  readonly maySend: () => boolean
  readonly batchSize: number
  readonly maxInFlight: number
  /** Rung whenever something may have become sendable. */
  readonly wakeUp: WakeUp
  readonly onBatch: (batch: readonly P[], outcome: BatchOutcome) => void
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
  readonly #bisection = new Bisection<P>()
  readonly #inFlight = new Set<Promise<void>>()

  constructor(options: DispatcherOptions<P>) {
    this.#options = options
  }

  get requestsInFlight(): number {
    return this.#inFlight.size
  }
  get trouble(): Trouble | null {
    return this.#circuit.trouble
  }

  /** Sends until the signal aborts, then waits for what is in flight. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { quota, wakeUp, monotonicMs, maxInFlight, batchSize, pending } = this.#options
    const stop = () => wakeUp.ring()
    signal.addEventListener('abort', stop, { once: true })
    while (!signal.aborted) {
      const waitMs = this.#hasWork() ? this.#circuit.waitMs(monotonicMs(), this.#inFlight.size, maxInFlight) : null
      if (waitMs !== 0) {
        await wakeUp.heard(waitMs ?? undefined)
        continue
      }
      const permit = await quota.next(signal)
      if (!permit) break
      const batch = this.#mayStart(signal) ? (this.#bisection.next() ?? pending.take(batchSize)) : []
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
    for (let batch = this.#bisection.next(); batch; batch = this.#bisection.next()) {
      for (const parcel of batch) pending.returned(parcel)
    }
  }

  #hasWork(): boolean {
    return this.#options.maySend() && (this.#bisection.waiting > 0 || this.#options.pending.sendable > 0)
  }

  /** Looked at again once the permit is there: things may have changed meanwhile. */
  #mayStart(signal: AbortSignal): boolean {
    const { monotonicMs, maxInFlight, maySend } = this.#options
    return !signal.aborted && maySend() && this.#circuit.waitMs(monotonicMs(), this.#inFlight.size, maxInFlight) === 0
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
    const { beforeSending, put, pending, monotonicMs, random, onBatch, maySend } = this.#options
    try {
      await beforeSending()
    } catch (error) {
      permit.unused()
      for (const parcel of batch) pending.returned(parcel)
      this.#circuit.observe({ kind: 'outage', reason: 'the state cannot be written' }, monotonicMs(), random())
      throw error
    }
    if (!maySend()) {
      permit.unused()
      for (const parcel of batch) pending.returned(parcel)
      return
    }
    const outcome = await put(batch.map(({ patient }) => patient))
    permit.answered()
    this.#circuit.observe(signalOf(outcome), monotonicMs(), random())
    this.#settle(batch, outcome)
    onBatch(batch, outcome)
  }

  #settle(batch: readonly P[], outcome: BatchOutcome): void {
    const { pending } = this.#options
    switch (outcome.kind) {
      case 'accepted':
        for (const parcel of batch) pending.accepted(parcel)
        return
      case 'isolate':
      case 'split': {
        const [first] = batch
        if (batch.length > 1) this.#bisection.split(batch)
        else if (first) pending.refused(first, deadLetterOf(outcome))
        return
      }
      default:
        for (const parcel of batch) {
          if (outcome.kind === 'retry' && outcome.inDoubt) pending.lost(parcel)
          else pending.returned(parcel)
        }
    }
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
    default:
      return { kind: 'well' }
  }
}

function deadLetterOf(outcome: Extract<BatchOutcome, { kind: 'isolate' | 'split' }>): DeadLetter {
  if (outcome.kind === 'split') return { reason: 'too large', attributes: [], status: 413 }
  return { reason: 'refused by the API', attributes: [], status: outcome.status }
}
