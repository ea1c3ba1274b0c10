import type { Store } from '../checkpoint/store.ts'
import { findRemoval } from '../delivery/removals.ts'
import type { WakeUp } from '../lifecycle/wake-up.ts'
import type { CompiledMapping } from '../mapping/compile.ts'
import type { PatientCode } from '../model/patient.ts'
import type { RowKey } from '../model/row.ts'
import type { Xid } from '../model/visibility.ts'
import type { Pending } from '../pending/pending.ts'
import { slotGapIsClosed } from '../source/replication-slot.ts'
import type { TableReader } from '../source/table-reader.ts'
import { toContent } from './changes.ts'
import type { Resources } from './resources.ts'

export interface PumpOptions {
  readonly pending: Pending
  readonly store: Store
  readonly reader: TableReader
  readonly mapping: CompiledMapping
  readonly resources: Pick<Resources, 'client' | 'quotas' | 'clocks'>
  readonly bells: Readonly<Record<'read' | 'resolve' | 'dispatch' | 'record', WakeUp>>
  readonly slotGapXid: Xid | null
  readonly signal: AbortSignal
}

const lookUpAtOnce = 1_000
const readAtOnce = 200
/** A read that is older than the change it is for is repeated after this, milliseconds. */
const readAgainMs = 250

/** Row versions that wait for something before they can be sent, each kind with its own work. Each returns whether to go on at once. */
export function createPumps(options: PumpOptions) {
  const { pending, store, reader, mapping, resources, bells, signal } = options
  let gapXid = options.slotGapXid

  /** What the state knows of rows that have just arrived. */
  async function lookUp(): Promise<boolean> {
    const keys = pending.toLookUp(lookUpAtOnce)
    if (keys.length === 0) return false
    const found = await store.lookUp(keys)
    for (const key of keys) pending.lookedUp(key, found.get(key) ?? null)
    for (const bell of [bells.dispatch, bells.read, bells.resolve]) bell.ring()
    if (pending.unrecorded >= lookUpAtOnce) bells.record.ring()
    return true
  }

  /** Rows whose change left out an unchanged long value: read from the table, merged by MERGE's rules. */
  async function read(): Promise<boolean> {
    const keys = pending.toRead(readAtOnce)
    if (keys.length === 0) return false
    const found = await reader.byKey(keys)
    if (gapXid !== null && !slotGapIsClosed(found.snapshotText, gapXid)) return false
    if (gapXid !== null) {
      await store.closeSlotGap()
      gapXid = null
    }
    const readAtMs = resources.clocks.wallClockMs()
    let merged = 0
    for (const key of keys) {
      const row = found.rows.get(key)
      const content = row ? toContent(mapping.map(row)) : ({ kind: 'removed', code: null, patient: null } as const)
      const { snapshot, endLsn } = found
      if (pending.read({ key, content, snapshot, endLsn, readAtMs, lane: 'live', bytes: 2_000 })) merged++
    }
    bells.dispatch.ring()
    return merged === keys.length
  }

  /**
   * Whether another row has the code by the state and what memory knows beyond it. Asked twice before it is believed: what
   * was stored while the first answer was on its way may be gone from memory.
   */
  async function isHeld(code: PatientCode, key: RowKey): Promise<boolean> {
    return (await store.holdersOf(code, key)).some((holder) => pending.mayHold(code, holder))
  }

  /** Codes that end: the full record to unsubscribe them with. */
  async function resolveRemovals(): Promise<boolean> {
    const [ending] = pending.toResolve(1)
    if (!ending) return false
    const patient = await findRemoval(
      ending,
      {
        isHeld: async (code, key) =>
          pending.isClaimed(code, key) || ((await isHeld(code, key)) && (await isHeld(code, key))),
        get: (code) => resources.client.get(code, signal),
        quota: resources.quotas.get,
      },
      signal,
    )
    if (patient === undefined) return false
    pending.resolved(ending.key, { code: ending.code, patient })
    bells.dispatch.ring()
    return true
  }

  return { lookUp, read, resolveRemovals, readAgainMs }
}
