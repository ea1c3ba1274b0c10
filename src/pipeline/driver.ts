import type { Store } from '../checkpoint/store/store.ts'
import type { Permit, Quota } from '../delivery/quota/quota.ts'
import type { Clocks } from '../lifecycle/clocks.ts'
import { longestTimerMs } from '../lifecycle/wait.ts'
import type { CompiledMapping } from '../mapping/compile.ts'
import type { MediquoClient } from '../mediquo/client.ts'
import type { PatientCode } from '../model/patient/patient.ts'
import type { DurableLsn } from '../model/source/lsn.ts'
import type { TableReader } from '../source/table/table-reader.ts'
import { fetchCode } from './code-fetch.ts'
import type { Core } from './core/core.ts'
import type { Effect, Endpoint } from './core/effects.ts'
import type { CoreEvent, Fact, Ticket } from './core/events.ts'
import { findBackfill } from './find-backfill.ts'
import { recentRequests } from './recent-requests.ts'
import { mapRead } from './row-mapping.ts'

/** Connections and services with which the driver executes effects. */
export interface DriverPorts {
  readonly store: Store
  readonly reader: TableReader
  readonly mapping: CompiledMapping
  readonly api: { readonly client: MediquoClient; readonly quotas: Readonly<Record<Endpoint, Quota>> }
  readonly clocks: Clocks
  /** Rule 1: returns true if every transaction that ran when the slot was created has ended; then closes the gap in the store. */
  readonly slotGapIsClosed: () => Promise<boolean>
}

/** Calls of the driver to the replication stream and to the report. */
export interface DriverOutlets {
  readonly acknowledge: (lsn: DurableLsn) => void
  readonly pause: () => void
  readonly resume: () => void
  readonly tell: (facts: readonly Fact[]) => void
  readonly drained: () => void
  /** Called when an effect with a ticket has ended, with its failure if it failed. The core tries it again. */
  readonly onEnd: (effect: Effect['kind'], failure: { readonly error: unknown } | null) => void
}

type Handlers = { readonly [K in Effect['kind']]: (effect: Extract<Effect, { kind: K }>) => void }

/**
 * Executes the effects of the core with PostgreSQL and HTTP, and reports each answer as one event. It decides nothing: the core
 * decides what comes next, and what is tried again after a failure.
 */
export function createDriver(core: Core, ports: DriverPorts, outlets: DriverOutlets, abandon: AbortSignal) {
  const { store, reader, mapping, clocks, slotGapIsClosed } = ports
  const { client, quotas } = ports.api
  const permits = new Map<Ticket, Permit>()
  const underWay = new Set<Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let isAsked = false
  /** Start of the burst of events in progress: reading the clock for each event would cost as much as handling some. */
  let burstMs = 0
  let isStopped = false

  function handle(event: CoreEvent): void {
    if (isStopped) return
    if (!isAsked) burstMs = clocks.monotonicMs()
    core.handle(event, burstMs)
    ask()
  }

  /** Schedules one call of `effects` for all events of a burst. */
  function ask(): void {
    if (isAsked) return
    isAsked = true
    queueMicrotask(execute)
  }

  function execute(): void {
    isAsked = false
    if (isStopped) return
    for (const effect of core.effects(clocks.monotonicMs())) executeOne(effect)
  }

  /** Reports the answer to a ticket, or its failure. */
  function answer(kind: Effect['kind'], ticket: Ticket, asking: Promise<CoreEvent>): void {
    const ended = (failure: { readonly error: unknown } | null) => {
      if (!isStopped) outlets.onEnd(kind, failure)
    }
    const answered = asking
      .then(
        (event) => {
          ended(null)
          return event
        },
        (error: unknown): CoreEvent => {
          ended({ error })
          return { kind: 'failed', ticket }
        },
      )
      .then(handle)
      .finally(() => underWay.delete(answered))
    underWay.add(answered)
  }

  function take(ticket: Ticket): Permit {
    const permit = permits.get(ticket)
    if (!permit) throw new Error(`there is no permit ${ticket}`)
    permits.delete(ticket)
    return permit
  }

  async function isCodeOfRow(code: PatientCode): Promise<boolean> {
    const holders = await store.holdersOf([code])
    return (holders.get(code) ?? []).length > 0
  }

  const handlers: Handlers = {
    'load records': ({ kind, ticket, keys }) =>
      answer(
        kind,
        ticket,
        store.loadRecords(keys).then((loaded) => ({ kind: 'records loaded', ticket, ...loaded })),
      ),
    'find holders': ({ kind, ticket, codes }) =>
      answer(
        kind,
        ticket,
        store.holdersOf(codes).then((holders) => ({ kind: 'holders found', ticket, holders })),
      ),
    'list owed rows': ({ kind, ticket, reasons, beforeLsn, limit }) =>
      answer(
        kind,
        ticket,
        store.owedRows({ reasons, beforeLsn, limit }).then((owed) => ({ kind: 'owed listed', ticket, ...owed })),
      ),
    'read rows': ({ kind, ticket, rows }) => {
      const beganAtMs = clocks.monotonicMs()
      const reading = rows.kind === 'keys' ? reader.byKey(rows.keys) : reader.page(rows)
      const times = () => ({ readAtMs: clocks.wallClockMs(), tookMs: clocks.monotonicMs() - beganAtMs })
      answer(
        kind,
        ticket,
        reading.then((found) => ({ kind: 'rows read', ticket, read: mapRead(found, mapping, times()) })),
      )
    },
    'check slot gap': ({ kind, ticket }) =>
      answer(
        kind,
        ticket,
        slotGapIsClosed().then((isClosed) => ({ kind: 'slot gap checked', ticket, isClosed })),
      ),
    'find backfill': ({ kind, ticket, postponed }) =>
      answer(
        kind,
        ticket,
        findBackfill({ backfillRuns: store.backfillRuns, reader, clocks }, postponed).then((run) => ({
          kind: 'backfill found',
          ticket,
          run,
        })),
      ),
    'list known rows': ({ kind, ticket, after, limit, codes }) =>
      answer(
        kind,
        ticket,
        store.backfillRuns.rowsAfter(after, limit, codes).then((keys) => ({ kind: 'known rows listed', ticket, keys })),
      ),
    'forget removed rows': ({ kind, ticket, ...which }) =>
      answer(
        kind,
        ticket,
        store.forgetRemoved(which).then((last) => ({ kind: 'removed rows forgotten', ticket, last })),
      ),
    'want permit': ({ kind, ticket, endpoint }) =>
      answer(
        kind,
        ticket,
        quotas[endpoint].next(abandon).then((permit): CoreEvent => {
          if (!permit) return { kind: 'failed', ticket }
          permits.set(ticket, permit)
          return { kind: 'permit granted', ticket }
        }),
      ),
    'return permit': ({ permit }) => take(permit).unused(),
    send: ({ kind, ticket, permit: permitTicket, batch }) => {
      const permit = take(permitTicket)
      answer(
        kind,
        ticket,
        client
          .put(
            batch.map(({ patient }) => patient),
            abandon,
          )
          .then(({ outcome, remaining }) => {
            permit.answered(remaining)
            return { kind: 'answered', ticket, outcome }
          }),
      )
    },
    'fetch code': ({ kind, ticket, permit, code, expected }) =>
      answer(
        kind,
        ticket,
        fetchCode({ client, quota: quotas.get, permit: take(permit), isCodeOfRow }, { code, expected }, abandon).then(
          (found) => ({ kind: 'code fetched', ticket, found }),
        ),
      ),
    record: ({ kind, ticket, settlement: { backfill, ...settlement } }) =>
      answer(
        kind,
        ticket,
        store
          .record({ ...settlement, backfill, recentRequests: recentRequests(quotas) })
          .then((owed) => ({ kind: 'recorded', ticket, owed })),
      ),
    acknowledge: ({ lsn }) => outlets.acknowledge(lsn),
    'pause stream': outlets.pause,
    'resume stream': outlets.resume,
    tell: ({ facts }) => outlets.tell(facts),
    'wake at': ({ ms }) => {
      clearTimeout(timer)
      if (ms === null) return
      timer = setTimeout(
        () => handle({ kind: 'tick' }),
        Math.min(longestTimerMs, Math.max(0, ms - clocks.monotonicMs())),
      )
    },
    drained: outlets.drained,
  }

  function executeOne<K extends Effect['kind']>(effect: Extract<Effect, { kind: K }>): void {
    const handler = handlers[effect.kind as K]
    handler(effect)
  }

  return {
    handle,
    /** Executes no further effect. @returns once nothing is in progress. */
    async stop(): Promise<void> {
      isStopped = true
      clearTimeout(timer)
      await Promise.all(underWay)
      for (const permit of permits.values()) permit.unused()
      permits.clear()
    },
  }
}
