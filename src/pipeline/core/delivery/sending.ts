import { Circuit, type Signal, type Trouble } from '../../../delivery/circuit.ts'
import { Concurrency } from '../../../delivery/concurrency.ts'
import type { Others } from '../../../delivery/isolation/isolation.ts'
import { type BatchOutcome, isLost, mayConcernRows } from '../../../delivery/outcome.ts'
import { signalOf, signalOfReadBack, signalOfRefusal } from '../../../delivery/signal.ts'
import type { ApiLimits } from '../../../model/api-limits.ts'
import type { RowKey } from '../../../model/source/row.ts'
import type { Delivery } from '../../../pending/entry/version.ts'
import type { Pending } from '../../../pending/pending.ts'
import type { CoreContext } from '../context.ts'
import type { Effect } from '../effects.ts'
import type { Ticket } from '../events.ts'
import type { Recording } from '../record/recording.ts'
import type { Control } from './control.ts'
import type { Gathering } from './gathering.ts'
import type { Proving } from './proving.ts'
import { SentBatches } from './sent-batches.ts'
import { Settling, type SettlingOptions } from './settling.ts'

export interface SendingOptions {
  readonly context: Omit<CoreContext, 'intervals'>
  readonly pending: SettlingOptions['pending'] & Pick<Pending, 'take' | 'sendable' | 'changes' | 'isSendingHeld'>
  readonly gathering: Pick<Gathering, 'sendable'>
  /** Parts that ask the API when an answer does not settle a batch. */
  readonly asking: {
    readonly proving: Pick<Proving, 'begin' | 'batches' | 'giveUp'>
    readonly control: Pick<Control<readonly Delivery[]>, 'ask' | 'batches' | 'spared' | 'giveUp'>
  }
  /** Names the write that must be stored before a batch is sent, and keeps the lease. */
  readonly recording: Pick<Recording, 'writeBeforeSending' | 'isStored' | 'mayLeave' | 'requestLeft' | 'requestOver'>
  readonly limits: Pick<ApiLimits, 'batchSize' | 'maxInFlight' | 'requestsPerMinute'>
}

/** A batch from the moment it is cut. `afterWrite`: the write that must be stored before it is sent; null if none. */
interface Flight {
  readonly batch: readonly Delivery[]
  readonly permit: Ticket
  readonly afterWrite: number | null
}

/** Rows that count as sendable but cannot be sent (their code is in flight) are tried again after this, milliseconds. */
const lookAgainMs = 1_000

/**
 * Cuts a batch at the moment the quota grants a request, and settles it by its answer. Nothing waits for a batch to fill: under low
 * load a change is sent immediately, under high load batches fill by themselves.
 */
export class Sending {
  readonly #options: SendingOptions
  readonly #circuit = new Circuit()
  readonly #concurrency: Concurrency
  readonly #settling: Settling
  #wanted: Ticket | null = null
  #permit: Ticket | null = null
  /** Batches that are cut and wait for their write. */
  #cut: Flight[] = []
  readonly #sent = new SentBatches()
  /** Number of the request whose answer is handled. */
  #answering = 0
  #isActive = false
  /** Change counter of the pending set, and the time, when no batch could be cut. */
  #fruitless: { readonly changes: number; readonly atMs: number } | null = null
  #nowMs = 0
  /** Permits of batches that were returned before they were sent. */
  #unused: Ticket[] = []

  constructor(options: SendingOptions) {
    const { pending, limits } = options
    const { random, facts } = options.context
    this.#options = options
    this.#concurrency = new Concurrency({ requestsPerMinute: limits.requestsPerMinute, most: limits.maxInFlight })
    this.#settling = new Settling({
      pending,
      random,
      onEveryPatientRefused: (status) => {
        this.#observe({ kind: 'rejecting', status })
        facts.add({ kind: 'every patient refused', status })
      },
    })
  }

  /** Sets whether this instance may send: it has the slot and is not draining. */
  activate(isActive: boolean): void {
    this.#isActive = isActive
    if (isActive) return
    // Nothing is asked any more.
    const { proving, control } = this.#options.asking
    for (const batch of proving.giveUp()) this.#settling.giveBack(batch, 'lost')
    for (const batch of control.giveUp()) this.#settling.giveBack(batch, 'returned')
  }
  /** Sends nothing new. Rows that a search keeps wait with the others again. */
  giveUp(): void {
    this.#settling.giveUp()
  }

  /** True while a request is in flight, or is sent as soon as the quota allows: requests free memory. */
  get isUnderWay(): boolean {
    return this.#wanted !== null || this.#permit !== null || this.requestsInFlight > 0
  }
  /** Rows sent most recently while every patient is refused alike. Other rows can show whether that is still so. */
  get refusedAlike(): readonly RowKey[] {
    return this.trouble?.kind === 'rejecting' ? this.#settling.refusedAlike : []
  }
  /** Number of requests that are not settled. One of which the API is asked counts. */
  get requestsInFlight(): number {
    const { proving, control } = this.#options.asking
    return this.#cut.length + this.#sent.size + proving.batches + control.batches
  }
  get trouble(): Trouble | null {
    return this.#circuit.trouble
  }
  /** True while rows are kept to find out which of them is bad. */
  get isSearching(): boolean {
    return this.#settling.isSearching
  }

  nextAtMs(nowMs: number): number | null {
    if (!this.#hasWork(nowMs)) return null
    const waitMs = this.#waitMs(nowMs)
    if (waitMs !== null && waitMs > 0) return nowMs + waitMs
    const again = this.#fruitless ? this.#fruitless.atMs + lookAgainMs : null
    return again !== null && again > nowMs ? again : null
  }

  effects(nowMs: number, out: Effect[]): void {
    this.#nowMs = nowMs
    for (const permit of this.#unused) out.push({ kind: 'return permit', permit, endpoint: 'put' })
    this.#unused = []
    if (this.#permit !== null) this.#use(this.#permit, nowMs, out)
    this.#release(nowMs, out)
    if (this.#wanted !== null || !this.#hasWork(nowMs) || this.#waitMs(nowMs) !== 0 || this.isFruitless(nowMs)) return
    this.#wanted = this.#options.context.tickets.issue('want permit')
    out.push({ kind: 'want permit', ticket: this.#wanted, endpoint: 'put' })
  }

  granted(ticket: Ticket): boolean {
    if (this.#wanted !== ticket) return false
    this.#wanted = null
    this.#permit = ticket
    return true
  }

  answered(ticket: Ticket, outcome: BatchOutcome, nowMs: number): boolean {
    const sent = this.#sent.take(ticket)
    if (!sent) return false
    const { batch, leftAtMs, number } = sent
    this.#options.recording.requestOver(leftAtMs, isLost(outcome))
    this.#handle(number, nowMs)
    const request = this.#sent.request(number)
    if (outcome.kind !== 'pause') this.#concurrency.answered(request, nowMs - leftAtMs, outcome.kind === 'retry')
    if (outcome.kind === 'halt' && mayConcernRows(outcome) && this.#isActive) this.#askWhy(batch, outcome)
    else this.#answered(batch, outcome)
    return true
  }

  failed(ticket: Ticket, nowMs: number): boolean {
    if (this.#wanted !== ticket)
      return this.answered(ticket, { kind: 'retry', reason: 'given up', inDoubt: true, status: null }, nowMs)
    this.#wanted = null
    return true
  }

  /** Handles a failed write: batches that wait for it are returned, and tried again later. */
  writeFailed(nowMs: number): void {
    this.#nowMs = nowMs
    const waiting = this.#cut.filter(({ afterWrite }) => afterWrite !== null)
    if (waiting.length === 0) return
    this.#cut = this.#cut.filter(({ afterWrite }) => afterWrite === null)
    for (const { batch, permit } of waiting) {
      this.#unused.push(permit)
      this.#settling.giveBack(batch, 'returned')
    }
    this.#circuit.observe({ kind: 'store outage' }, nowMs, this.#options.context.random())
  }

  #hasWork(nowMs: number): boolean {
    if (!this.#isActive || this.#options.pending.isSendingHeld) return false
    return this.isSearching || this.#options.gathering.sendable(nowMs) > 0
  }

  /** Returns true if nothing that waits could be sent, and nothing has changed since. */
  isFruitless(nowMs: number): boolean {
    const { changes, atMs } = this.#fruitless ?? {}
    if (changes === undefined || atMs === undefined) return false
    return changes === this.#options.pending.changes && nowMs < atMs + lookAgainMs
  }

  #waitMs(nowMs: number): number | null {
    const { spared } = this.#options.asking.control
    return this.#circuit.waitMs(nowMs, this.requestsInFlight - spared, this.#concurrency.limit)
  }

  /** Decides again with the permit: the situation may have changed in the meantime. */
  #use(permit: Ticket, nowMs: number, out: Effect[]): void {
    this.#permit = null
    const { recording, pending, limits } = this.#options
    // The search itself may release rows, or find that the rows are not the cause. Then another attempt is worthwhile.
    const { changes } = pending
    const mayCut = this.#hasWork(nowMs) && this.#waitMs(nowMs) === 0
    const batch = mayCut ? this.#cutBatch(nowMs, limits.batchSize) : []
    if (batch.length === 0) {
      if (mayCut) this.#fruitless = { changes, atMs: nowMs }
      out.push({ kind: 'return permit', permit, endpoint: 'put' })
      return
    }
    this.#fruitless = null
    this.#cut.push({ batch, permit, afterWrite: recording.writeBeforeSending(nowMs) })
  }

  /** Sends the batches whose write is stored by now. If the lease ends too early for them, another write begins it again. */
  #release(nowMs: number, out: Effect[]): void {
    const { recording, context } = this.#options
    const ready = this.#cut.filter(({ afterWrite }) => afterWrite === null || recording.isStored(afterWrite))
    if (ready.length === 0) return
    this.#cut = this.#cut.filter((flight) => !ready.includes(flight))
    if (this.#isActive && !recording.mayLeave(nowMs)) {
      const afterWrite = recording.writeBeforeSending(nowMs)
      this.#cut.unshift(...ready.map((flight) => ({ ...flight, afterWrite })))
      return
    }
    for (const flight of ready) {
      if (!this.#isActive) {
        out.push({ kind: 'return permit', permit: flight.permit, endpoint: 'put' })
        this.#settling.giveBack(flight.batch, 'returned')
        continue
      }
      const ticket = context.tickets.issue('send')
      recording.requestLeft(nowMs)
      this.#sent.add(ticket, flight.batch, nowMs)
      out.push({ kind: 'send', ticket, permit: flight.permit, batch: flight.batch })
    }
  }

  /** Returns the rows to send now: those that a search asks for, or the oldest that wait. */
  #cutBatch(nowMs: number, limit: number): readonly Delivery[] {
    const others = { waiting: this.#options.gathering.sendable(nowMs) > 0, inFlight: this.requestsInFlight }
    const batch = this.#cutBeside(others, limit)
    // Nothing that waits can be sent: possibly newer versions of the rows that wait for something else to be sent.
    return batch.length === 0 && others.waiting ? this.#cutBeside({ ...others, waiting: false }, limit) : batch
  }

  #cutBeside(others: Others, limit: number): readonly Delivery[] {
    return this.#settling.next(others, () => this.#options.pending.take(limit))
  }

  #answered(batch: readonly Delivery[], outcome: BatchOutcome): void {
    const { facts } = this.#options.context
    this.#observe(signalOf(outcome))
    if (outcome.kind === 'unexpected success') this.#prove(batch, outcome.status, this.#nowMs)
    else this.#settling.answered(batch, outcome)
    facts.add({ kind: 'batch answered', batch, outcome })
  }

  /** Begins to handle the answer to a request, or what was asked because of it. */
  #handle(number: number, nowMs: number): void {
    this.#nowMs = nowMs
    this.#answering = number
    this.#fruitless = null
  }

  #observe(signal: Signal): void {
    const request = this.#sent.request(this.#answering)
    this.#circuit.observe(signal, this.#nowMs, this.#options.context.random(), request)
  }

  /** Finds out whether the API refuses the keys, or something refuses this batch. */
  #askWhy(batch: readonly Delivery[], outcome: Extract<BatchOutcome, { kind: 'halt' }>): void {
    const { asking, context } = this.#options
    const number = this.#answering
    const { status } = outcome
    asking.control.ask({ batch, status }, (keysAreRefused, atMs) => {
      this.#handle(number, atMs)
      if (keysAreRefused) {
        this.#answered(batch, outcome)
        return
      }
      this.#observe(signalOfRefusal(this.#settling.refusedInFront(batch, status), batch.length, status))
      context.facts.add({ kind: 'batch answered', batch, outcome: { kind: 'isolate', status, named: [] } })
    })
  }

  /** Has the rows of a batch read back before they count as delivered. */
  #prove(batch: readonly Delivery[], status: number, nowMs: number): void {
    const { asking, context } = this.#options
    this.#settling.succeeded(batch)
    if (!this.#isActive) {
      this.#settling.giveBack(batch, 'lost')
      return
    }
    const number = this.#answering
    asking.proving.begin(batch, nowMs, (shown, atMs) => {
      this.#handle(number, atMs)
      this.#observe(signalOfReadBack(shown.size, status))
      this.#settling.readBack(batch, shown, status)
      context.facts.add({ kind: 'batch read back', patients: batch.length, shown: shown.size, status })
    })
  }
}
