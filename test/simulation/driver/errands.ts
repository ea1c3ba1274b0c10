import type { Standing, Writership } from '../../../src/checkpoint/writer.ts'
import type { PatientCode } from '../../../src/model/patient/patient.ts'
import type { RowKey } from '../../../src/model/source/row.ts'
import type { Snapshot } from '../../../src/model/source/visibility.ts'
import type { Effect } from '../../../src/pipeline/core/effects.ts'
import type { CoreEvent, MappedRead, MappedRow, Ticket } from '../../../src/pipeline/core/events.ts'
import { checkStored } from '../world/checks.ts'
import type { RowVersion } from '../world/source-table.ts'
import { describeVersion } from '../world/stream.ts'
import { at, snapshotText } from '../world/values.ts'
import type { World } from '../world/world.ts'
import type { EffectOf } from './handlers.ts'

/** Work on the table or the store that the core asks for: stages that happen one after the other, and an answer. */
export interface Errand {
  readonly kind: Effect['kind']
  readonly ticket: Ticket
  /** Code that a `fetch code` errand reads; null for other errands. */
  readonly code: PatientCode | null
  /** Stages that have not happened yet. */
  readonly stages: (() => void)[]
  answer(): CoreEvent
}

/** Connector run that asks: what its process knows of its writes, and its clock. */
export interface Asker {
  readonly writership: Writership
  nowMs(): number
  /** The store has refused a write: the run must end. */
  refused(standing: Standing): void
}

type ErrandKind =
  | 'load records'
  | 'find holders'
  | 'list owed rows'
  | 'read rows'
  | 'check slot gap'
  | 'find backfill'
  | 'list known rows'
  | 'forget removed rows'
  | 'record'

export type Errands = { readonly [K in ErrandKind]: (effect: EffectOf[K]) => Errand }

/** Creates an errand that reads one value at some moment between question and answer. */
function question<T>(
  { kind, ticket }: { readonly kind: Effect['kind']; readonly ticket: Ticket },
  ask: () => T,
  answer: (value: T) => CoreEvent,
): Errand {
  let asked: { readonly value: T } | null = null
  const stage = () => {
    asked = { value: ask() }
  }
  return { kind, ticket, code: null, stages: [stage], answer: () => answer((asked ?? { value: ask() }).value) }
}

/** Returns the errand of each effect on the table and the store. */
export function errandsOf(world: World, asker: Asker): Errands {
  const { state, table } = world
  return {
    'load records': (effect) =>
      question(
        effect,
        () => state.loadRecords(effect.keys, asker.nowMs()),
        (loaded) => ({ kind: 'records loaded', ticket: effect.ticket, ...loaded }),
      ),
    'find holders': (effect) =>
      question(
        effect,
        () => state.holdersOf(effect.codes),
        (holders) => ({ kind: 'holders found', ticket: effect.ticket, holders }),
      ),
    'list owed rows': (effect) =>
      question(
        effect,
        () => state.owedRows(effect, asker.nowMs()),
        (listed) => ({ kind: 'owed listed', ticket: effect.ticket, ...listed }),
      ),
    'read rows': (effect) => readErrand(world, effect),
    'check slot gap': (effect) =>
      question(
        effect,
        () => {
          const { slotGapXid } = state
          const isClosed = slotGapXid === null || table.snapshot().xmin > slotGapXid
          if (isClosed && asker.writership.epoch === state.run) state.closeSlotGap()
          return isClosed
        },
        (isClosed) => ({ kind: 'slot gap checked', ticket: effect.ticket, isClosed }),
      ),
    'find backfill': (effect) =>
      question(
        effect,
        () => state.beginPass(effect.postponed),
        (run) => ({ kind: 'backfill found', ticket: effect.ticket, run }),
      ),
    'list known rows': (effect) =>
      question(
        effect,
        () => state.rowsAfter(effect.after, effect.limit, effect.codes),
        (keys) => ({ kind: 'known rows listed', ticket: effect.ticket, keys }),
      ),
    'forget removed rows': (effect) =>
      question(
        effect,
        () => state.forgetRemoved(effect),
        (last) => ({ kind: 'removed rows forgotten', ticket: effect.ticket, last }),
      ),
    record: (effect) => recordErrand(world, asker, effect),
  }
}

function recordErrand(world: World, asker: Asker, { kind, ticket, settlement }: EffectOf['record']): Errand {
  const { writership } = asker
  const own = writership.beginWrite()
  let owed: readonly RowKey[] | null = null
  const write = () => {
    if (!world.state.accepts(own)) return
    const lease = leaseText(settlement.leaseMs)
    world.note(() => `${own.epoch} records up to ${settlement.checkpointLsn}${lease}: ${rowsText(settlement.rows)}`)
    world.noteDeadLetters(settlement)
    owed = world.state.record(own, settlement, asker.nowMs())
    world.keepCopy()
    checkStored(world)
  }
  const answer = (): CoreEvent => {
    if (owed !== null) {
      writership.wrote(own)
      return { kind: 'recorded', ticket, owed }
    }
    asker.refused(writership.standing(world.state.stamp))
    return { kind: 'failed', ticket }
  }
  return { kind, ticket, code: null, stages: [write], answer }
}

/** Number of value bytes that leaves the size of the next page unchanged. */
const sameSizeBytes = 600_000

/** Takes snapshot and rows at one moment and the end of the WAL at a later one. The merge comes after both. */
function readErrand(world: World, { kind, ticket, rows: wanted }: EffectOf['read rows']): Errand {
  const { table, contents } = world
  const isPage = wanted.kind === 'page'
  const name = isPage ? `page after ${wanted.after}` : `read ${wanted.keys.join(' ')}`
  let snapshot: Snapshot = table.snapshot()
  let found: readonly RowVersion[] = []
  let endLsn = at(0)
  let isBlocked = false
  const look = () => {
    isBlocked = table.isLocked
    if (isBlocked) return
    snapshot = table.snapshot()
    const keys = isPage ? table.keys.filter((key) => wanted.after === null || key > wanted.after).sort() : wanted.keys
    const seen = keys.flatMap((key) => rowSeen(world, snapshot, key))
    found = isPage ? seen.slice(0, wanted.limit) : seen
    world.openReads.add(snapshot)
    world.note(
      () => `${name}: snapshot ${snapshotText(snapshot)} sees ${found.map(describeVersion).join(', ') || 'nothing'}`,
    )
  }
  const end = () => {
    if (isBlocked) return
    endLsn = at(table.insertLsn)
    world.readEnded(endLsn, snapshot)
    world.note(() => `${name}: P ${endLsn}`)
  }
  const read = (): MappedRead => {
    const rows = new Map<RowKey, MappedRow>()
    for (const version of found) {
      const content = contents.read(version)
      if (content) rows.set(version.key, { content, bytes: version.bytes })
    }
    const leftOut = found.flatMap(({ key }) => (rows.has(key) ? [] : [key]))
    const page = isPage ? { leftOut, last: found.at(-1)?.key ?? null, isLast: found.length < wanted.limit } : null
    return { snapshot, endLsn, containsLsn: null, rows, readAtMs: 0, valueBytes: sameSizeBytes, tookMs: 1, page }
  }
  // A read that waits for the lock of TRUNCATE ends by its time limit.
  const answer = (): CoreEvent => (isBlocked ? { kind: 'failed', ticket } : { kind: 'rows read', ticket, read: read() })
  return { kind, ticket, code: null, stages: [look, end], answer }
}

function rowSeen({ table }: World, snapshot: Snapshot, key: RowKey): RowVersion[] {
  const version = table.seenBy(snapshot, key)
  return version?.image ? [version] : []
}

type StoredRows = EffectOf['record']['settlement']['rows']

function leaseText(leaseMs: number | null): string {
  if (leaseMs === null) return ''
  return leaseMs === 0 ? ', releases' : `, leases ${leaseMs} ms`
}

function rowsText(rows: StoredRows): string {
  const texts = rows.map(({ key, code, fingerprint, removed, deadLetter, formerCodes, owed, position }) => {
    const known = removed ? 'removed' : (fingerprint ?? 'unknown')
    const former = formerCodes.length > 0 ? ` formerly ${formerCodes.join(' ')}` : ''
    const due = owed ? ` owed (${owed.reason}${owed.nextCode ? `, next ${owed.nextCode}` : ''})` : ''
    return `${key} ${code}: ${known} at ${position?.commitLsn ?? 'none'}${former}${due}${deadLetter ? ' dead letter' : ''}`
  })
  return texts.join(', ') || 'no rows'
}
