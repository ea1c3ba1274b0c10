import { expect } from 'vitest'
import type { ApiLimits } from '../../../src/model/api-limits.ts'
import { defaultIntervals } from '../../../src/model/intervals.ts'
import type { PatientCode } from '../../../src/model/patient/patient.ts'
import type { StoredRow } from '../../../src/model/progress/stored-row.ts'
import type { RowKey } from '../../../src/model/source/row.ts'
import { xid } from '../../../src/model/source/visibility.ts'
import { codesOwnedBy } from '../../../src/pending/entry/record-codes.ts'
import type { Content } from '../../../src/pending/entry/version.ts'
import { createCore } from '../../../src/pipeline/core/core.ts'
import type { Effect } from '../../../src/pipeline/core/effects.ts'
import type { CoreEvent, Fact, MappedRow, Ticket } from '../../../src/pipeline/core/events.ts'
import {
  type Bounds,
  type CorePolicy,
  defaultBounds,
  type SourceState,
  type StoredPositions,
} from '../../../src/pipeline/core/options.ts'
import { oweOthers } from '../../pending/dialogue.ts'
import { at, fingerprint, key, seesBelow } from '../../pending/rows.ts'

export type Kind = Effect['kind']
export type EffectOf<K extends Kind> = Extract<Effect, { kind: K }>
/** Effect that needs an answer. */
type Asked = Extract<Effect, { readonly ticket: Ticket }>
export type AskedKind = Asked['kind']

/** Options of the core that differ from the usual ones, without their groups. */
type CoreChanges = Partial<StoredPositions & SourceState & CorePolicy & ApiLimits>

export interface ScriptOptions extends CoreChanges {
  readonly bounds?: Partial<Bounds>
  /** Row records in the store. */
  readonly state?: readonly StoredRow[]
  /** Effects that the model answers as soon as they are handed out. */
  readonly automatic?: readonly AskedKind[]
  /** This instance is the writer from the start, if true. */
  readonly isActive?: boolean
  /** Checks the invariants only when the test asks for it, if true: each check looks at every row, and there are thousands. */
  readonly isLarge?: boolean
}

const firstMs = 100_000

/**
 * Creates a core with a driver that executes nothing by itself. The test hands in events, looks at effects, and answers them at any time
 * with a small model of the store, the table and the API. After each event it checks every invariant, and that a second request for effects
 * returns none.
 */
export function scripted(setting: ScriptOptions = {}) {
  const { bounds, state = [], automatic = [], isActive = true, isLarge = false } = setting
  const { checkpointLsn = at(1_000), horizon = null, readLsn = null } = setting
  const { isSlotGapOpen = false, readsFollowStream = false, nearXid = xid(700n) } = setting
  const { requestsPerMinute = 600, batchSize = 100, maxInFlight = 4, requestTimeoutMs = 30_000 } = setting
  const core = createCore({
    stored: { checkpointLsn, horizon, readLsn },
    source: { isSlotGapOpen, readsFollowStream, nearXid },
    policy: {
      onDelete: setting.onDelete ?? 'unsubscribe',
      onTruncate: setting.onTruncate ?? 'reconcile',
      fingerprint: setting.fingerprint ?? fingerprint,
    },
    limits: { requestsPerMinute, batchSize, maxInFlight, requestTimeoutMs },
    bounds: { ...defaultBounds, ...bounds },
    runtime: { intervals: defaultIntervals.core, seed: 4 },
  })
  const store = new Map(state.map((row) => [row.key, { row, dueAtMs: 0, storedAtMs: firstMs }]))
  const table = new Map<RowKey, MappedRow>()
  const outstanding = new Map<Ticket, Asked>()
  const permits = new Set<Ticket>()
  const log: Effect[] = []
  const facts: Fact[] = []
  let nowMs = firstMs
  let wakeAtMs: number | null = null
  let commitLsn = 1_000
  let isPaused = false

  /** Hands an event to the core. @returns the effects. */
  function tell(event: CoreEvent): Effect[] {
    if ('ticket' in event) outstanding.delete(event.ticket)
    if (event.kind === 'permit granted') permits.add(event.ticket)
    if (event.kind === 'stream opened') isPaused = false
    if (event.kind === 'tick') wakeAtMs = null
    core.handle(event, nowMs)
    if (!isLarge) core.assert()
    return look()
  }

  function look(): Effect[] {
    const effects = core.effects(nowMs)
    if (!isLarge) core.assert()
    const again = core.effects(nowMs)
    expect(kinds(again), 'asked again without an event').toEqual([])
    log.push(...effects)
    for (const effect of effects) note(effect)
    for (const asked of effects) {
      if (!('ticket' in asked) || !automatic.includes(asked.kind)) continue
      if (outstanding.has(asked.ticket)) effects.push(...tell(answerTo(asked)))
    }
    return effects
  }

  function note(effect: Effect): void {
    if ('ticket' in effect) outstanding.set(effect.ticket, effect)
    if ('permit' in effect && !permits.delete(effect.permit)) throw new Error(`${effect.kind} has no permit`)
    if (effect.kind === 'wake at') wakeAtMs = effect.ms
    if (effect.kind === 'pause stream' || effect.kind === 'resume stream') isPaused = effect.kind === 'pause stream'
    if (effect.kind === 'tell') facts.push(...effect.facts)
  }

  /** Returns the answer of the model. */
  function answerTo(effect: Asked): CoreEvent {
    const { ticket } = effect
    switch (effect.kind) {
      case 'load records':
        return { kind: 'records loaded', ticket, rows: new Map(effect.keys.flatMap(stored)), shared: new Set() }
      case 'find holders':
        return { kind: 'holders found', ticket, holders: new Map(effect.codes.map((of) => [of, holdersOf(of)])) }
      case 'list owed rows':
        return { kind: 'owed listed', ticket, ...owedRows(effect) }
      case 'read rows':
        return { kind: 'rows read', ticket, read: readOf(effect.rows) }
      case 'check slot gap':
        return { kind: 'slot gap checked', ticket, isClosed: true }
      case 'find backfill':
        return { kind: 'backfill found', ticket, run: null }
      case 'forget removed rows':
        return { kind: 'removed rows forgotten', ticket, last: null }
      case 'list known rows':
        return { kind: 'known rows listed', ticket, keys: [] }
      case 'want permit':
        return { kind: 'permit granted', ticket }
      case 'send':
        return { kind: 'answered', ticket, outcome: { kind: 'accepted' } }
      case 'fetch code':
        return { kind: 'code fetched', ticket, found: { kind: 'absent' } }
      case 'record':
        return { kind: 'recorded', ticket, owed: record(effect) }
    }
  }

  function stored(of: RowKey): [RowKey, StoredRow][] {
    const found = store.get(of)
    if (!found) return []
    const { row, storedAtMs } = found
    if (!row.owed) return [[of, row]]
    const { soughtForMs } = row.owed
    const sought = soughtForMs !== undefined && { soughtForMs: soughtForMs + nowMs - storedAtMs }
    return [[of, { ...row, owed: { ...row.owed, delayMs: 0, ...sought } }]]
  }

  function record({ settlement }: EffectOf<'record'>): RowKey[] {
    const { rows, takenCodes } = settlement
    const records = new Map([...store].map(([of, { row }]) => [of, row]))
    const owed = oweOthers(records, rows, takenCodes)
    for (const of of owed) {
      const row = records.get(of)
      if (row) store.set(of, { row, dueAtMs: nowMs, storedAtMs: nowMs })
    }
    for (const row of rows) store.set(row.key, { row, dueAtMs: nowMs + (row.owed?.delayMs ?? 0), storedAtMs: nowMs })
    return owed
  }

  function holdersOf(of: PatientCode): RowKey[] {
    return [...store.values()].filter(({ row }) => codesOwnedBy(row).includes(of)).map(({ row }) => row.key)
  }

  function owedRows({ reasons, beforeLsn, limit }: EffectOf<'list owed rows'>) {
    const owed = [...store.values()].filter(({ row }) => row.owed && reasons.includes(row.owed.reason))
    const isBefore = (row: StoredRow) => beforeLsn === null || !row.position || row.position.commitLsn < beforeLsn
    const due = owed.filter(({ row, dueAtMs }) => dueAtMs <= nowMs && isBefore(row))
    const later = owed.map(({ dueAtMs }) => dueAtMs - nowMs).filter((ms) => ms > 0)
    return {
      keys: due.slice(0, limit).map(({ row }) => row.key),
      nextInMs: later.length > 0 ? Math.min(...later) : null,
    }
  }

  function readOf(rows: EffectOf<'read rows'>['rows']) {
    const keys = rows.kind === 'keys' ? rows.keys : [...table.keys()]
    const found = keys.flatMap((of): [RowKey, MappedRow][] => {
      const row = table.get(of)
      return row ? [[of, row]] : []
    })
    const page = rows.kind === 'page' ? { leftOut: [], last: keys.at(-1) ?? null, isLast: true } : null
    const times = { readAtMs: 0, tookMs: 1, valueBytes: 1 }
    return {
      snapshot: seesBelow(commitLsn + 1),
      endLsn: at(commitLsn + 1),
      containsLsn: null,
      rows: new Map(found),
      page,
      ...times,
    }
  }

  const script = {
    core,
    store,
    table,
    log,
    facts,
    tell,
    get nowMs() {
      return nowMs
    },
    get wakeAtMs() {
      return wakeAtMs
    },
    get isPaused() {
      return isPaused
    },
    get view() {
      return core.view(nowMs)
    },
    /** Number of permits that are neither used nor returned. */
    get permits() {
      return permits.size
    },
    /** Returns the unanswered effects of a kind, the oldest first. */
    asked<K extends AskedKind>(kind: K): EffectOf<K>[] {
      return [...outstanding.values()].filter((effect): effect is EffectOf<K> => effect.kind === kind)
    },
    /** Returns the oldest unanswered effect of a kind. */
    next<K extends AskedKind>(kind: K): EffectOf<K> {
      const [first] = script.asked(kind)
      if (!first)
        throw new Error(`no ${kind} is asked for, but ${[...outstanding.values()].map((one) => one.kind).join(', ')}`)
      return first
    },
    /** Answers the oldest effect of each kind with the model. @returns the new effects. */
    answer(...kinds: readonly AskedKind[]): Effect[] {
      return kinds.flatMap((kind) => {
        const [first] = [...outstanding.values()].filter((effect) => effect.kind === kind)
        if (!first) throw new Error(`no ${kind} is asked for`)
        return tell(answerTo(first))
      })
    },
    fail(kind: AskedKind): Effect[] {
      return tell({ kind: 'failed', ticket: script.next(kind).ticket })
    },
    /** Returns how often effects of a kind were handed out. */
    count: (kind: Kind) => log.filter((effect) => effect.kind === kind).length,
    /** Lets time pass, with a tick at each time that the core asked for. */
    pass(ms: number): void {
      const untilMs = nowMs + ms
      for (let ticks = 0; wakeAtMs !== null && wakeAtMs <= untilMs; ticks++) {
        if (ticks > 10_000) throw new Error('it asks to be woken without end')
        nowMs = Math.max(nowMs, wakeAtMs)
        tell({ kind: 'tick' })
      }
      nowMs = untilMs
    },
    /** Begins a transaction. Its id is its position. */
    begin(): Effect[] {
      commitLsn += 100
      return tell({ kind: 'wal', wal: { kind: 'begin', commitLsn: at(commitLsn), xid: commitLsn, committedAtMs: 0 } })
    },
    /** Streams one change. The table has it from now on. */
    change(name: string, content: Content, bytes = 1_000): Effect[] {
      const row = { content, bytes }
      if (content.kind === 'removed') table.delete(key(name))
      else if (content.kind !== 'incomplete') table.set(key(name), row)
      const operation = content.kind === 'removed' ? 'delete' : 'update'
      return tell({ kind: 'wal', wal: { kind: 'change', operation, rows: [{ key: key(name), ...row }] } })
    },
    end(): Effect[] {
      return tell({ kind: 'wal', wal: { kind: 'commit', commitEndLsn: at(commitLsn + 10) } })
    },
    /** Streams a whole transaction. */
    commits(...changes: readonly (readonly [name: string, content: Content])[]): Effect[] {
      const before = log.length
      script.begin()
      for (const [name, content] of changes) script.change(name, content)
      script.end()
      return log.slice(before)
    },
    /** Streams a TRUNCATE of the table, and changes after it in the same transaction. */
    truncates(...changes: readonly (readonly [name: string, content: Content])[]): Effect[] {
      const before = log.length
      script.begin()
      table.clear()
      tell({ kind: 'wal', wal: { kind: 'truncate' } })
      for (const [name, content] of changes) script.change(name, content)
      script.end()
      return log.slice(before)
    },
    keepalive(): Effect[] {
      commitLsn += 100
      return tell({ kind: 'wal', wal: { kind: 'keepalive', lsn: at(commitLsn) } })
    },
  }
  tell({ kind: 'stream opened' })
  if (isActive) tell({ kind: 'stream active', othersLeaseMs: 0 })
  return script
}
export type Script = ReturnType<typeof scripted>

/** Returns the kinds of effects, in the order in which they were handed out. */
export const kinds = (effects: readonly Effect[]): Kind[] => effects.map(({ kind }) => kind)

/** Kinds of effects that the store and the table answer. */
export const storeAndTable: readonly AskedKind[] = [
  'load records',
  'find holders',
  'list owed rows',
  'read rows',
  'check slot gap',
  'find backfill',
  'list known rows',
  'forget removed rows',
  'record',
]
export const everything: readonly AskedKind[] = [...storeAndTable, 'want permit', 'send', 'fetch code']
