import type { PassLedger } from '../backfill/pass-ledger.ts'
import { Walk } from '../backfill/walk.ts'
import type { Store } from '../checkpoint/store.ts'
import type { CompiledMapping } from '../mapping/compile.ts'
import type { Pass } from '../model/pass.ts'
import type { Status } from '../model/status.ts'
import type { Pending } from '../pending/pending.ts'
import { backfillStatus } from '../pipeline/backfill-status.ts'
import type { TablePage, TableRead, TableReader } from '../source/table-reader.ts'
import type { Resources } from '../startup/resources.ts'
import { codeOfRow, textBytes } from './changes.ts'
import type { MergeRead } from './table-reads.ts'

export interface BackfillOptions {
  readonly pending: Pending
  readonly store: Store
  readonly ledger: PassLedger
  readonly reader: TableReader
  readonly mapping: CompiledMapping
  readonly resources: Pick<Resources, 'settings' | 'clocks' | 'logger'>
  /** Whether this instance holds the slot, and so is the one to read and send. */
  readonly isActive: () => boolean
}

/** How often the state is asked for a pass, milliseconds. */
const lookEveryMs = 2_000
const logEveryMs = 30_000
/** The backfill keeps this much of the quota waiting, seconds: enough that no request leaves half empty. */
const aheadSeconds = 2

/** The passes that the state asks for, one after another, each fed as the pending set has room. */
export function createBackfill(options: BackfillOptions) {
  const { pending, store, ledger, reader, mapping, resources, isActive } = options
  const { settings, clocks, logger } = resources
  const { requestsPerMinute, batchSize } = settings.mediquo
  const ahead = Math.max(500, Math.ceil((requestsPerMinute / 60) * batchSize * aheadSeconds))
  let current: { readonly pass: Pass; readonly walk: Walk<TableRead, TablePage>; merge: MergeRead } | null = null
  let finished: Status['backfill'] | null = null
  let lookAtMs = 0
  let logAtMs = 0
  let reads = 0

  async function begin(merge: MergeRead): Promise<boolean> {
    if (clocks.monotonicMs() < lookAtMs) return false
    lookAtMs = clocks.monotonicMs() + lookEveryMs
    const found = await store.passes.next()
    if (!found) return false
    const rowsEstimated = (found.codes ?? found.keys)?.length ?? (await reader.estimateRows())
    if (found.state === 'requested') await store.passes.begin(found.id, rowsEstimated)
    const startedAt = found.startedAt ?? new Date(clocks.wallClockMs())
    const pass: Pass = { ...found, state: 'running', rowsEstimated, startedAt }
    const walk = new Walk<TableRead, TablePage>(pass, {
      reader,
      ledger,
      knownRows: (after, limit, codes) => store.passes.rowsAfter(after, limit, codes),
      merge: async (read, keys, claim) => {
        await merge(read, keys, { lane: 'backfill', claim, distrusts: pass.reason === 'found to differ' })
      },
      codeOf: (row) => codeOfRow(row, mapping),
      bytesOf: textBytes,
      onEmptyTable: () =>
        logger.warn('the table is empty: rows that the state knows are left alone, as after a TRUNCATE'),
      monotonicMs: clocks.monotonicMs,
    })
    current = { pass, walk, merge }
    logAtMs = clocks.monotonicMs() + logEveryMs
    const resumed = found.state === 'running'
    logger.info({ reason: pass.reason, rowsEstimated, rowsRead: pass.rowsRead, resumed }, 'backfill started')
    return true
  }

  function end({ pass, walk }: { readonly pass: Pass; readonly walk: { readonly rowsRead: number } }): boolean {
    current = null
    lookAtMs = 0
    const { rowsRead } = walk
    const finishedAt = new Date(clocks.wallClockMs())
    finished = backfillStatus({ ...pass, state: 'done', rowsRead, finishedAt }, settings.mediquo)
    logger.info({ reason: pass.reason, rowsRead }, 'backfill done')
    return true
  }

  const hasRoom = () => pending.waiting.backfill < ahead && pending.fill < 0.5

  /** The next read, if there is one to make and room for what it brings. @returns whether to go on at once. */
  async function step(merge: MergeRead): Promise<boolean> {
    if (!isActive()) return false
    if (!current) return await begin(merge)
    const { walk } = current
    if (walk.isOver) return ledger.progress === null ? end(current) : false
    if (!hasRoom()) return false
    await walk.step()
    reads++
    if (clocks.monotonicMs() >= logAtMs) {
      logAtMs = clocks.monotonicMs() + logEveryMs
      logger.info(status(), 'backfill progress')
    }
    return true
  }

  /** For the status: the pass under way, or the last one that this process has done. */
  function status(): Status['backfill'] | null {
    if (!current) return finished
    const { rowsRead } = ledger.progress ?? current.walk
    return backfillStatus({ ...current.pass, rowsRead }, settings.mediquo)
  }

  return {
    step,
    status,
    /** Grows while a pass gets on: reads made and rows settled. The second half of a pass settles only what is gone. */
    get mark() {
      return reads + (status()?.rowsRead ?? 0)
    },
    get isRunning() {
      return current !== null
    },
    /** Whether more rows will come without anything having to be delivered before. */
    get isFeeding() {
      return current !== null && !current.walk.isOver && hasRoom()
    },
  }
}
