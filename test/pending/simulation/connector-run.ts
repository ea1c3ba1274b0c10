import type { BackfillOptions } from '../../../src/connector/backfill.ts'
import type { MergeRead, TableReadOptions } from '../../../src/connector/table-reads.ts'
import { WakeUp } from '../../../src/lifecycle/wake-up.ts'
import type { Position } from '../../../src/model/position.ts'
import type { Content, Parcel } from '../../../src/pending/version.ts'
import { at, fingerprint } from '../rows.ts'
import { BrokenConnectionError, Calls } from './calls.ts'
import { checkStored } from './checks.ts'
import type { Modules } from './modules.ts'
import { Requests } from './requests.ts'
import { silentLogger, standIn } from './stand-in.ts'
import { openStream } from './stream.ts'
import { fakeReader, fakeStore, snapshotText } from './surroundings.ts'
import type { World } from './world.ts'

type Store = TableReadOptions['store']
export type Work = 'look up' | 'read' | 'resolve' | 'record'

/**
 * One run of the connector between two crashes, wired as `src/connector.ts` does it. Whatever is asynchronous there is a call
 * here, of which each effect, and the answer, is a step of the simulation.
 */
export class ConnectorRun {
  readonly calls = new Calls()
  readonly pending
  readonly progress
  readonly requests: Requests
  readonly stream: ReturnType<typeof openStream>
  /** Accepted, and to be read back. */
  readonly unconfirmed: Parcel[] = []
  #sendsAgain = 2
  /** Reads of rows that nobody waits for, still to be made. */
  optionalReads: number
  readonly #world: World
  readonly #work: Readonly<Record<Work, () => Promise<unknown>>>
  readonly #busy: Record<Work, number> = { 'look up': 0, read: 0, resolve: 0, record: 0 }
  readonly #loadedRun: number
  #holdsSlot = false

  constructor(world: World, modules: Modules) {
    const { profile, state, contents } = world
    const { lsn, horizon, slotGapXid, run } = state
    const { calls } = this
    this.#world = world
    this.#loadedRun = run
    this.optionalReads = profile.reads
    let received: Position | null = null
    const progress = new modules.Progress(at(lsn))
    const ledger = new modules.PassLedger()
    const pending = new modules.Pending({
      debts: progress,
      claims: ledger,
      horizon: horizon && horizon.commitLsn >= at(lsn) ? horizon : null,
      onDelete: profile.onDelete,
      fingerprint,
      confirming: {
        accepted: (parcel, inDoubt) => this.#mustReadBack(parcel, inDoubt),
        lost: () => undefined,
        mayRepeat: () => true,
      },
      onSettled: (outcome, { content, origin, position }) => {
        world.note(() => `settled, ${outcome}: ${origin} ${contentText(content)} ${position?.commitLsn}`)
        if (outcome === 'dead letter' && content.kind === 'invalid') world.isSetAside(contents.madeFrom(content))
      },
      maxRows: profile.maxRows,
      maxBytes: 1_000_000_000,
    })
    const recorder = new modules.Recorder({
      requests: { mustBeNoted: false },
      progress,
      pending,
      pass: ledger,
      horizon: new modules.Horizon({ durable: horizon, received: () => received, readTo: () => pending.readTo }),
      write: (settlement) => {
        const written = () => {
          world.note(() => `${run + 1} records up to ${settlement.checkpointLsn}: ${rowsText(settlement.rows)}`)
          if (state.record(run + 1, settlement)) checkStored(world)
        }
        return calls.make('record', [written], () => undefined)
      },
      onDurable: () => undefined,
      onTrouble: () => undefined,
      isFatal: () => false,
      wakeUp: new WakeUp(),
      random: () => 0,
    })
    const onReceived = (position: Position) => {
      received = position
    }
    this.progress = progress
    this.pending = pending
    this.stream = openStream({ world, progress, pending, from: lsn, onReceived })
    this.requests = new Requests({ world, pending, beforeSending: () => recorder.beforeSending() })

    const store = standIn<Store>(fakeStore(world, calls))
    const reader = standIn<BackfillOptions['reader']>(fakeReader(world, calls))
    const mapping = standIn<BackfillOptions['mapping']>(contents)
    const resources = standIn<BackfillOptions['resources'] & TableReadOptions['resources']>(this.#resources())
    const isActive = () => this.#holdsSlot
    const backfill = modules.createBackfill({ pending, store, ledger, reader, mapping, resources, isActive })
    const bells = { read: new WakeUp(), resolve: new WakeUp(), dispatch: new WakeUp(), record: new WakeUp() }
    const { signal } = new AbortController()
    const pumps = modules.createPumps({
      pending,
      store,
      bells,
      signal,
      resources: standIn(this.#api()),
      isRecent: () => false,
    })
    const read = modules.createTableReads({
      ...{ pending, store, reader, mapping, resources, slotGapXid },
      onMerged: () => undefined,
      backfill: (merge) => this.#optionalRead(reader, merge) ?? backfill.step(merge),
    })
    this.#work = { 'look up': pumps.lookUp, read, resolve: pumps.resolveRemovals, record: () => recorder.flush() }
  }

  get maySend(): boolean {
    return this.#holdsSlot && (!this.progress.transactionOpen || this.#world.profile.largeTransactions)
  }
  get holdsSlot(): boolean {
    return this.#holdsSlot
  }

  /** @param atOnce how many may be under way. */
  mayStart(work: Work, atOnce = 1): boolean {
    return this.#busy[work] < atOnce && (work !== 'record' || this.#holdsSlot)
  }

  /** What a pump does when it is rung for. */
  start(work: Work): void {
    this.#busy[work]++
    const ended = () => {
      this.#busy[work]--
      if (work === 'read' && this.#busy.read === 0) this.#world.openReads.clear()
    }
    this.#work[work]()
      .catch((error: unknown) => {
        if (!(error instanceof BrokenConnectionError)) this.#world.fail(`error: ${String(error)}`)
      })
      .finally(ended)
  }

  /** From here on, what an earlier run still writes changes nothing. */
  takeOver(): void {
    this.#world.state.run = this.#loadedRun + 1
    this.#holdsSlot = true
  }

  #mustReadBack(parcel: Parcel, inDoubt: boolean): boolean {
    if (!inDoubt && !this.#world.choices.percent(5)) return false
    this.unconfirmed.push(parcel)
    return true
  }

  /** An accepted patient is read back; now and then it is taken for overtaken. */
  readBack(): void {
    const { choices } = this.#world
    const parcel = choices.pick(this.unconfirmed)
    this.unconfirmed.splice(this.unconfirmed.indexOf(parcel), 1)
    const isOvertaken = this.#sendsAgain > 0 && choices.percent(30)
    this.#world.note(() => `${parcel.code} is read back: ${isOvertaken ? 'overtaken' : 'confirmed'}`)
    if (isOvertaken) this.#sendsAgain--
    if (isOvertaken) this.pending.overtaken(parcel)
    else this.pending.confirmed(parcel)
  }

  #optionalRead(reader: BackfillOptions['reader'], merge: MergeRead): Promise<boolean> | null {
    const { choices, profile } = this.#world
    if (this.optionalReads === 0 || !choices.percent(70)) return null
    this.optionalReads--
    const keys = choices.percent(50) ? profile.keys : [choices.pick(profile.keys)]
    return reader.byKey(keys).then(async (found) => {
      await merge(found, keys, { lane: 'live', claim: null, distrusts: false })
      return true
    })
  }

  #resources() {
    const { table } = this.#world
    let now = 0
    const clock = () => {
      now += 10_000
      return now
    }
    return {
      settings: { mediquo: { requestsPerMinute: 600, batchSize: 100 } },
      clocks: { monotonicMs: clock, wallClockMs: clock },
      logger: silentLogger,
      sourcePool: {
        query: () =>
          this.calls.make('look at the gap', [], () => ({ rows: [{ now: snapshotText(table.snapshot()) }] })),
      },
    }
  }

  #api() {
    const { mediquo } = this.#world
    const get = (code: Parameters<typeof mediquo.get>[0]) => {
      let attributes: ReturnType<typeof mediquo.get> = null
      const effect = () => {
        attributes = mediquo.get(code)
      }
      return this.calls.make('GET', [effect], () => ({
        outcome: attributes ? { kind: 'patient', attributes } : { kind: 'absent' },
        remaining: null,
      }))
    }
    return { client: { get }, quotas: { get: { next: async () => ({ answered: () => undefined }) } } }
  }
}

function contentText(content: Content): string {
  return content.kind === 'patient' ? `${content.patient.code}=${content.patient.first_name}` : content.kind
}

function rowsText(
  rows: readonly {
    readonly key: string
    readonly code: string | null
    readonly fingerprint: string | null
    readonly removed: boolean
    readonly deadLetter: unknown
  }[],
): string {
  const says = rows.map(({ key, code, fingerprint, removed, deadLetter }) => {
    const known = removed
      ? 'removed'
      : fingerprint === null
        ? 'unknown'
        : (/"first_name":"(.)/.exec(fingerprint)?.[1] ?? '')
    return `${key} ${code}=${known}${deadLetter ? ' set aside' : ''}`
  })
  return says.join(', ') || 'no rows'
}
