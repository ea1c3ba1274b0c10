import type { Store } from '../checkpoint/store.ts'
import type { CompiledMapping } from '../mapping/compile.ts'
import type { Claim } from '../model/debt.ts'
import type { Lane } from '../model/lane.ts'
import type { RowKey } from '../model/row.ts'
import type { Xid } from '../model/visibility.ts'
import type { Pending } from '../pending/pending.ts'
import type { Content } from '../pending/version.ts'
import { slotGapIsClosed } from '../source/replication-slot.ts'
import type { TableRead, TableReader } from '../source/table-reader.ts'
import type { Resources } from '../startup/resources.ts'
import { schemaChangeOf } from '../startup/schema-change.ts'
import { textBytes, toContent, versionBytes } from './changes.ts'

export interface TableReadOptions {
  readonly pending: Pending
  readonly store: Store
  readonly reader: TableReader
  readonly mapping: CompiledMapping
  readonly resources: Pick<Resources, 'clocks' | 'logger' | 'sourcePool'>
  /** MERGE rule 1: what was running when the slot was made; null once all of it has ended. */
  readonly slotGapXid: Xid | null
  /** The backfill's next read. @returns whether to go on at once. */
  readonly backfill: (merge: MergeRead) => Promise<boolean>
  readonly onMerged: () => void
}

/** Merges a read, row by row. `distrusts`: what the state says that the API accepted is wrong. @returns how many rows were older than what is known. */
export type MergeRead = (
  found: TableRead,
  keys: readonly RowKey[],
  options: { readonly lane: Lane; readonly claim: (() => Claim) | null; readonly distrusts: boolean },
) => Promise<number>

const readAtOnce = 200
/** A read that is older than the change it is for is repeated after this, milliseconds. */
export const readAgainMs = 250
/** How long transactions from before the slot may keep reads waiting before somebody is told, milliseconds. */
const gapWarningMs = 60_000

/**
 * Every read of the table, one after another: MERGE rule 2. First those that a change waits for, then the backfill's.
 * @returns the work of a pump.
 */
export function createTableReads(options: TableReadOptions): () => Promise<boolean> {
  const { pending, store, reader, mapping, resources, backfill, onMerged } = options
  const { clocks, logger, sourcePool } = resources
  let gapXid = options.slotGapXid
  let warnAtMs = clocks.monotonicMs() + gapWarningMs
  let readAgainAtMs = 0

  const merge: MergeRead = async (found, keys, { lane, claim, distrusts }) => {
    const readAtMs = clocks.wallClockMs()
    try {
      const unknown = pending.expect(keys)
      const stored = unknown.length > 0 ? await store.lookUp(unknown.map(({ key }) => key)) : new Map()
      for (const row of unknown) pending.lookedUp(row, stored.get(row.key) ?? null)
      if (distrusts) pending.distrust(keys)
      const claimed = claim?.() ?? null
      let stale = 0
      for (const key of keys) {
        const row = found.rows.get(key)
        const content: Content = row ? toContent(mapping.map(row)) : { kind: 'removed', code: null, patient: null }
        const bytes = versionBytes + (row ? 2 * textBytes(row) : 0)
        const { snapshot, endLsn, containsLsn } = found
        if (!pending.read({ key, content, snapshot, endLsn, containsLsn, readAtMs, lane, bytes, claim: claimed }))
          stale++
      }
      return stale
    } finally {
      pending.endRead()
      onMerged()
    }
  }

  /** MERGE rule 1: no read of any kind before everything that ran when the slot was made has ended. */
  async function gapIsClosed(): Promise<boolean> {
    if (gapXid === null) return true
    const { rows } = await sourcePool.query<{ now: string }>('select pg_current_snapshot()::text as now')
    if (slotGapIsClosed(rows[0]?.now ?? '', gapXid)) {
      await store.closeSlotGap()
      gapXid = null
      return true
    }
    if (clocks.monotonicMs() >= warnAtMs) {
      warnAtMs = clocks.monotonicMs() + gapWarningMs
      logger.warn('rows are not read yet: transactions that ran when the slot was made are still open')
    }
    return false
  }

  async function readNext(): Promise<boolean> {
    if (!pending.mayRead || !(await gapIsClosed())) return false
    const now = clocks.monotonicMs()
    const keys = now >= readAgainAtMs ? pending.toRead(readAtOnce) : []
    if (keys.length > 0) {
      const stale = await merge(await reader.byKey(keys), keys, { lane: 'live', claim: null, distrusts: false })
      if (stale === 0) return true
      readAgainAtMs = now + readAgainMs
    }
    const more = await backfill(merge)
    // Whether the walk has come to its end is known only now.
    if (more) onMerged()
    return more
  }

  return async () => {
    try {
      return await readNext()
    } catch (error) {
      throw schemaChangeOf(error)
    }
  }
}
