import type { PatientCode } from '../model/patient/patient.ts'
import { type BackfillRun, type BackfillRunPosition, backfillRunTrust } from '../model/progress/backfill-run.ts'
import type { BackfillDebt } from '../model/progress/debt.ts'
import type { RowKey } from '../model/source/row.ts'
import type { BackfillLedger } from './backfill-ledger.ts'
import { firstPageSize, nextPageSize } from './page-size.ts'

/** The part of a table read that a walk needs. */
export interface WalkedRead {
  /** Rows that were found, with their codes. */
  readonly codes: ReadonlyMap<RowKey, PatientCode | null>
  /** For a page; null for a read by key. */
  readonly page: { readonly leftOut: readonly RowKey[]; readonly last: RowKey | null; readonly isLast: boolean } | null
  readonly valueBytes: number
  readonly tookMs: number
}

/** The next step of a walk. */
export type WalkStep =
  | { readonly kind: 'page'; readonly after: RowKey | null; readonly limit: number }
  | {
      readonly kind: 'list known rows'
      readonly after: RowKey | null
      readonly limit: number
      readonly codes: readonly PatientCode[] | null
    }
  | { readonly kind: 'keys'; readonly keys: readonly RowKey[] }

/**
 * One backfill run: over the table by its key, then over the rows that the store knows, in short reads. The second half finds rows
 * that are gone. It reads by key, since an absence may be concluded only from a read that asked for the row. A run over a list of
 * keys is a second half alone. The walk names its next step, and is told the result.
 */
export class Walk {
  readonly #run: BackfillRun
  readonly #ledger: BackfillLedger
  readonly #wanted: Set<PatientCode> | null
  readonly #keys: readonly RowKey[] | null
  #position: BackfillRunPosition | null
  /** In the second half: the keys to be read now. */
  #listed: readonly RowKey[] | null = null
  #rowsRead: number

  constructor(run: BackfillRun, ledger: BackfillLedger) {
    this.#run = run
    this.#ledger = ledger
    this.#wanted = run.codes && new Set(run.codes)
    this.#keys = run.keys?.toSorted() ?? null
    const phase = run.codes || run.keys ? 'state' : 'table'
    const { pageSize = firstPageSize } = run.position ?? {}
    // A run that found no row begins again at the first row: others may have come before the position that it has reached.
    const isToBegin = run.position === null || (this.#waitsForRows && run.rowsRead === 0)
    this.#position = isToBegin ? { phase, after: null, pageSize } : run.position
    this.#rowsRead = run.rowsRead
    ledger.begin(run)
  }

  get rowsRead(): number {
    return this.#rowsRead
  }

  /** True if nothing remains to be read; the rows may still wait or be in flight. */
  get isOver(): boolean {
    return this.#position === null
  }

  /** The next step; null if the walk is over. */
  get next(): WalkStep | null {
    if (this.#position === null) return null
    const { phase, after, pageSize: limit } = this.#position
    if (phase === 'table') return { kind: 'page', after, limit }
    if (this.#listed) return { kind: 'keys', keys: this.#listed }
    if (!this.#keys) return { kind: 'list known rows', after, limit, codes: this.#run.codes }
    const keys = this.#keys.filter((key) => after === null || key > after).slice(0, limit)
    this.listed(keys)
    return this.next
  }

  /** Takes rows that the store knows, in the order of their keys: as many as were requested, or all that remain. */
  listed(keys: readonly RowKey[]): void {
    if (this.#position === null) return
    if (keys.length > 0) this.#listed = keys
    else this.#goOn(this.#afterKnownRows())
  }

  /** Returns the keys that a read answers for, whether it found them or not. */
  keysOf({ codes, page }: WalkedRead): RowKey[] {
    const wanted = this.#wanted
    if (page)
      return wanted
        ? [...codes].flatMap(([key, code]) => (isWanted(code, wanted) ? [key] : []))
        : [...codes.keys(), ...page.leftOut]
    const keys = [...(this.#listed ?? [])]
    // A run over the whole table needs only the rows that are gone: the others were read already, or the stream has delivered them.
    return wanted || this.#keys ? keys : keys.filter((key) => !codes.has(key))
  }

  /** A read is merged. @returns the backfill debt of its rows. Call it once nothing of the read can fail any more. */
  openBackfillDebt(read: WalkedRead, keys: readonly RowKey[]): BackfillDebt | null {
    const position = this.#position
    if (position === null) return null
    const pageSize = nextPageSize({ limit: position.pageSize, ms: read.tookMs, bytes: read.valueBytes })
    return read.page
      ? this.#openDebtOfPage({ ...read, page: read.page }, keys, { ...position, pageSize })
      : this.#openDebtOfKnown(read, keys, { ...position, pageSize })
  }

  #openDebtOfPage(
    { codes, page }: WalkedRead & { readonly page: NonNullable<WalkedRead['page']> },
    keys: readonly RowKey[],
    { after, pageSize }: BackfillRunPosition,
  ): BackfillDebt {
    const end: BackfillRunPosition = { phase: 'table', after: page.last ?? after, pageSize }
    const backfillDebt = this.#ledger.open(end, keys.length, codes.size)
    this.#rowsRead += codes.size
    this.#goOn(page.isLast ? this.#afterTable(pageSize) : end)
    return backfillDebt
  }

  /**
   * For a list of codes the known rows came first. After a first run no row can be gone unnoticed: the slot existed before anything
   * was sent.
   */
  #afterTable(pageSize: number): BackfillRunPosition | null {
    if (this.#wanted || backfillRunTrust[this.#run.reason].completeness || this.#rowsRead === 0) return null
    return { phase: 'state', after: null, pageSize }
  }
  /** True if the table was empty: rows that the store knows are left alone. */
  get foundNothing(): boolean {
    return (
      this.isOver &&
      !this.#wanted &&
      !this.#keys &&
      !backfillRunTrust[this.#run.reason].completeness &&
      this.#rowsRead === 0
    )
  }

  /** True if the table was empty and may be filled again: the run is not over, and begins again later. */
  get isPutOff(): boolean {
    return this.#waitsForRows && this.foundNothing
  }
  get #waitsForRows(): boolean {
    return !this.#wanted && !this.#keys && backfillRunTrust[this.#run.reason].reload
  }

  #openDebtOfKnown(
    { codes }: WalkedRead,
    keys: readonly RowKey[],
    { after, pageSize }: BackfillRunPosition,
  ): BackfillDebt {
    const listed = this.#listed ?? []
    for (const code of codes.values()) if (code !== null) this.#wanted?.delete(code)
    const end: BackfillRunPosition = { phase: 'state', after: listed.at(-1) ?? after, pageSize }
    const rows = this.#keys ? listed.length : 0
    const backfillDebt = this.#ledger.open(end, keys.length, rows)
    this.#rowsRead += rows
    this.#goOn(end)
    return backfillDebt
  }

  #afterKnownRows(): BackfillRunPosition | null {
    const { pageSize } = this.#position ?? { pageSize: firstPageSize }
    return this.#wanted && this.#wanted.size > 0 ? { phase: 'table', after: null, pageSize } : null
  }

  #goOn(position: BackfillRunPosition | null): void {
    this.#position = position
    this.#listed = null
    if (position !== null) return
    if (this.isPutOff) this.#ledger.abandon()
    else this.#ledger.walked()
  }
}

function isWanted(code: PatientCode | null, wanted: ReadonlySet<PatientCode>): boolean {
  return code !== null && wanted.has(code)
}
