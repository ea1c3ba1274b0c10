import type { WriterStamp, Writership } from '../../../src/checkpoint/writer.ts'
import type { BatchOutcome } from '../../../src/delivery/outcome.ts'
import type { Core } from '../../../src/pipeline/core/core.ts'
import type { CoreEvent, Ticket } from '../../../src/pipeline/core/events.ts'
import type { CoreOptions } from '../../../src/pipeline/core/options.ts'
import { recordTrace } from '../../../src/pipeline/trace.ts'
import { acknowledgements } from '../driver/acknowledgements.ts'
import { coreOptions } from '../driver/core-options.ts'
import { Driver } from '../driver/driver.ts'
import { type Errand, errandsOf } from '../driver/errands.ts'
import type { EffectOf, Handlers } from '../driver/handlers.ts'
import { describeWal, Stream } from '../world/stream.ts'
import type { World } from '../world/world.ts'
import type { Flight } from './flight.ts'
import { Flights } from './flights.ts'
import type { Strays } from './strays.ts'

export type CreateCore = (options: CoreOptions) => Core

export interface RunOptions {
  readonly world: World
  readonly strays: Strays
  readonly createCore: CreateCore
  readonly nowMs: () => number
  readonly process: ConnectorProcess
}

/** What a process keeps from one run to the next. A crash forgets it. */
export interface ConnectorProcess {
  readonly writership: Writership
  /** Time until which requests of an earlier run may arrive. */
  outUntilMs: number
}

/** One run of the connector between two crashes. Steps of the simulation execute and answer every effect. */
export class ConnectorRun {
  readonly driver: Driver
  readonly flights: Flights
  /** Lines of the trace, if the world is traced. */
  readonly trace: string[] = []
  readonly #world: World
  readonly #nowMs: () => number
  readonly #process: ConnectorProcess
  readonly #started: { readonly stamp: WriterStamp; readonly lsn: number }
  #errands: Errand[] = []
  readonly #permits = new Set<Ticket>()
  #stream: Stream | null = null
  #hasTakenOver = false
  #isActive = false
  #isDrained = false
  #isCutOff = false
  #mustEnd = false

  constructor({ world, strays, createCore, nowMs, process }: RunOptions) {
    const { state } = world
    this.#world = world
    this.#nowMs = nowMs
    this.#process = process
    this.#started = { stamp: state.stamp, lsn: state.lsn }
    this.flights = new Flights(world, strays)
    const options = coreOptions(world)
    const core = createCore(options)
    const traced = world.trace ? recordTrace(core, options, (line) => this.trace.push(line)) : core
    this.driver = new Driver({
      world,
      nowMs,
      core: traced,
      handlers: this.#handlers(),
      isReadable: () => this.#isCutOff || (this.#stream?.isReadable ?? false),
    })
    world.note(() => `START from ${state.lsn}, H ${state.horizon?.commitLsn ?? 'none'}, R ${state.readLsn ?? 'none'}`)
  }

  get errands(): readonly Errand[] {
    return this.#errands
  }
  get hasStream(): boolean {
    return this.#stream !== null
  }
  get isActive(): boolean {
    return this.#isActive
  }
  get isDrained(): boolean {
    return this.#isDrained
  }
  /** True once the store has refused a write. */
  get mustEnd(): boolean {
    return this.#mustEnd
  }
  get mayReceive(): boolean {
    return this.#stream !== null && !this.driver.isPaused && !this.#isCutOff
  }
  get isInTransaction(): boolean {
    return this.#stream?.open != null
  }
  /** Returns true if everything that was committed has been received. */
  get isAtEnd(): boolean {
    return this.#stream?.isReadable === false
  }

  openStream(): void {
    const { durableLsn, receivedLsn } = this.driver.view
    this.#stream = new Stream(this.#world, Math.max(this.#started.lsn, Number(durableLsn)), Number(receivedLsn))
    this.#world.note(() => 'the stream opens')
    this.driver.tell({ kind: 'stream opened' })
  }

  loseStream(): void {
    this.#stream = null
    this.#isActive = false
    this.#world.note(() => 'the stream is lost')
    this.driver.tell({ kind: 'stream lost' })
  }

  /** Begins a new epoch: a later write of an earlier run changes nothing. @returns false if the checkpoint has moved since it was read. */
  takeOver(): boolean {
    const { state } = this.#world
    const { writership, outUntilMs } = this.#process
    const expected = this.#hasTakenOver ? null : this.#started.stamp
    const taken = state.takeOver(writership, expected, this.#nowMs())
    if (taken === null) return false
    this.#hasTakenOver = true
    this.#isActive = true
    const othersLeaseMs = Math.max(taken.othersLeaseMs, outUntilMs - this.#nowMs(), 0)
    this.#world.note(() => `run ${state.run} takes over, and waits ${othersLeaseMs} ms`)
    this.driver.tell({ kind: 'stream active', othersLeaseMs })
    return true
  }

  /** The link to the database goes half-open: the run hears nothing of it, and still reaches the API. */
  cutOff(): void {
    this.#isCutOff = true
    this.#world.note(() => 'the link to the database goes half-open')
  }
  /** Errands that the API or the client itself answers. */
  get ownErrands(): readonly Errand[] {
    return this.#errands.filter(({ kind }) => kind === 'want permit' || kind === 'fetch code')
  }

  /** Receives the next messages of the stream, read from the socket in one piece. */
  receive(messages = 1): void {
    const events: CoreEvent[] = []
    for (let left = messages; left > 0 && this.#stream; left--) {
      if (events.length > 0 && !this.#stream.isReadable) break
      const wal = this.#stream.next()
      this.#world.note(() => `stream: ${describeWal(wal)}`)
      events.push({ kind: 'wal', wal })
    }
    this.driver.tell(...events)
  }

  answer({ ticket }: Flight, outcome: BatchOutcome): void {
    this.#world.note(() => `answer: ${outcome.kind}`)
    this.driver.tell({ kind: 'answered', ticket, outcome })
  }

  /** Executes the next stage of an errand, or answers it after the last one. */
  proceed(errand: Errand): void {
    const stage = errand.stages.shift()
    if (stage) {
      stage()
      return
    }
    this.#errands = this.#errands.filter((other) => other !== errand)
    this.driver.tell(errand.answer())
    // A read is open until it is merged, which may wait for row records.
    const isReading = this.#errands.some(({ kind }) => kind === 'read rows' || kind === 'load records')
    if (!isReading) this.#world.openReads.clear()
  }

  fail(errand: Errand): void {
    this.#errands = this.#errands.filter((other) => other !== errand)
    this.#world.note(() => `${errand.kind} fails`)
    this.driver.tell({ kind: 'failed', ticket: errand.ticket })
  }

  #handlers(): Handlers {
    const world = this.#world
    const refused = () => {
      this.#mustEnd = true
    }
    const errands = errandsOf(world, { writership: this.#process.writership, nowMs: this.#nowMs, refused })
    const add = (errand: Errand) => {
      this.#errands.push(errand)
    }
    return {
      'load records': (effect) => add(errands['load records'](effect)),
      'find holders': (effect) => add(errands['find holders'](effect)),
      'list owed rows': (effect) => add(errands['list owed rows'](effect)),
      'read rows': (effect) => {
        if (this.#errands.some(({ kind }) => kind === 'read rows')) world.fail('READS: two at a time')
        add(errands['read rows'](effect))
      },
      'check slot gap': (effect) => add(errands['check slot gap'](effect)),
      'forget removed rows': (effect) => add(errands['forget removed rows'](effect)),
      'find backfill': (effect) => add(errands['find backfill'](effect)),
      'list known rows': (effect) => add(errands['list known rows'](effect)),
      record: (effect) => {
        if (!this.#hasTakenOver) world.fail('FENCE: it writes before it is the writer')
        if (this.#errands.some(({ kind }) => kind === 'record')) world.fail('RECORDS: two at a time')
        add(errands.record(effect))
      },
      'want permit': ({ kind, ticket }) => {
        const answer = (): CoreEvent => {
          this.#permits.add(ticket)
          return { kind: 'permit granted', ticket }
        }
        add({ kind, ticket, code: null, stages: [], answer })
      },
      'return permit': ({ permit }) => this.#use(permit),
      send: (effect) => {
        this.#use(effect.permit)
        this.#checkSending()
        const about = this.#isCutOff || world.isStoreOld ? null : { open: this.#stream?.arriving ?? null }
        this.flights.leave(effect, this.#nowMs(), about)
      },
      'fetch code': (effect) => {
        this.#use(effect.permit)
        add(this.#fetch(effect))
      },
      acknowledge: acknowledgements(world, () => this.driver.view),
      tell: () => undefined,
      drained: () => this.#drained(),
      'pause stream': () => this.driver.own['pause stream'](),
      'resume stream': () => this.driver.own['resume stream'](),
      'wake at': (effect) => this.driver.own['wake at'](effect),
    }
  }

  #use(permit: Ticket): void {
    if (!this.#permits.delete(permit)) this.#world.fail(`P4: permit ${permit} is not there to be used`)
  }

  #checkSending(): void {
    if (!this.#isActive) this.#world.fail('FENCE: it sends before it is the writer')
    if (this.driver.isDraining) this.#world.fail('DRAIN: something new is sent')
    const { maxInFlight } = this.#world.profile
    if (this.flights.all.length >= maxInFlight) this.#world.fail(`P4: more than ${maxInFlight} requests at a time`)
  }

  #fetch({ kind, ticket, code, expected }: EffectOf['fetch code']): Errand {
    const { mediquo } = this.#world
    let shown: ReturnType<typeof mediquo.shown>
    const look = () => {
      shown = mediquo.shown(code)
      this.#world.note(() => `GET ${code}: ${shown ? `${shown.firstName}${shown.isSubscribed ? '+' : '-'}` : 'absent'}`)
    }
    const answer = (): CoreEvent => {
      if (!shown) return { kind: 'code fetched', ticket, found: { kind: 'absent' } }
      const { firstName, isSubscribed } = shown
      const isAsExpected =
        expected !== null && expected.first_name === firstName && (expected.plan !== undefined) === isSubscribed
      const record = isSubscribed ? { code, first_name: firstName } : null
      return { kind: 'code fetched', ticket, found: { kind: 'patient', isAsExpected, record } }
    }
    return { kind, ticket, code, stages: [look], answer }
  }

  #drained(): void {
    if (this.flights.all.length > 0) this.#world.fail('DRAIN: it is done while requests are in flight')
    this.#isDrained = true
  }
}
