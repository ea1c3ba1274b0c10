import type { PatientCode } from '../model/patient/patient.ts'
import type { Claim } from '../model/progress/debt.ts'
import type { Pass, PassPosition } from '../model/progress/pass.ts'
import type { RowKey } from '../model/source/row.ts'
import { firstPageSize, nextPageSize } from './page-size.ts'
import type { PassLedger } from './pass-ledger.ts'

/** What a read of the table returned, as far as a walk must know. */
export interface WalkedRead {
  /** The rows that were found, with their codes. */
  readonly codes: ReadonlyMap<RowKey, PatientCode | null>
  /** Of a page; null of a read by key. */
  readonly page: { readonly leftOut: readonly RowKey[]; readonly last: RowKey | null; readonly isLast: boolean } | null
  readonly valueBytes: number
  readonly tookMs: number
}

/** What a walk needs next. */
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
 * that are gone; it does so by key, since an absence may only be concluded from a read that asked for the row. A run over a list of
 * keys is a second half alone. It says what it needs next, and is told what came of it.
 */
export class Walk {
  readonly #pass: Pass
  readonly #ledger: PassLedger
  readonly #wanted: Set<PatientCode> | null
  readonly #keys: readonly RowKey[] | null
  #position: PassPosition | null
  /** Of the second half: the keys to be read now. */
  #listed: readonly RowKey[] | null = null
  #rowsRead: number

  constructor(pass: Pass, ledger: PassLedger) {
    this.#pass = pass
    this.#ledger = ledger
    this.#wanted = pass.codes && new Set(pass.codes)
    this.#keys = pass.keys?.toSorted() ?? null
    const phase = pass.codes || pass.keys ? 'state' : 'table'
    this.#position = pass.position ?? { phase, after: null, pageSize: firstPageSize }
    this.#rowsRead = pass.rowsRead
    ledger.begin(pass)
  }

  get rowsRead(): number {
    return this.#rowsRead
  }

  /** Nothing is left to be read; the rows may still be on their way. */
  get isOver(): boolean {
    return this.#position === null
  }

  /** What is needed next; null: nothing, the walk is over. */
  get next(): WalkStep | null {
    if (this.#position === null) return null
    const { phase, after, pageSize: limit } = this.#position
    if (phase === 'table') return { kind: 'page', after, limit }
    if (this.#listed) return { kind: 'keys', keys: this.#listed }
    if (!this.#keys) return { kind: 'list known rows', after, limit, codes: this.#pass.codes }
    const keys = this.#keys.filter((key) => after === null || key > after).slice(0, limit)
    this.listed(keys)
    return this.next
  }

  /** Rows that the store knows, in the order of their keys, as many as were asked for or all that are left. */
  listed(keys: readonly RowKey[]): void {
    if (this.#position === null) return
    if (keys.length > 0) this.#listed = keys
    else this.#goOn(this.#afterKnownRows())
  }

  /** The keys that a read answers for, whether it found them or not. */
  keysOf({ codes, page }: WalkedRead): RowKey[] {
    const wanted = this.#wanted
    if (page)
      return wanted
        ? [...codes].flatMap(([key, code]) => (isWanted(code, wanted) ? [key] : []))
        : [...codes.keys(), ...page.leftOut]
    const keys = [...(this.#listed ?? [])]
    // Of a whole run only what is gone: the rest was read already, or has come by the stream.
    return wanted || this.#keys ? keys : keys.filter((key) => !codes.has(key))
  }

  /** A read is merged. @returns the claim on its rows: call it once nothing of the read can fail any more. */
  claim(read: WalkedRead, keys: readonly RowKey[]): Claim | null {
    const position = this.#position
    if (position === null) return null
    const pageSize = nextPageSize({ limit: position.pageSize, ms: read.tookMs, bytes: read.valueBytes })
    return read.page
      ? this.#claimPage({ ...read, page: read.page }, keys, { ...position, pageSize })
      : this.#claimKnown(read, keys, { ...position, pageSize })
  }

  #claimPage(
    { codes, page }: WalkedRead & { readonly page: NonNullable<WalkedRead['page']> },
    keys: readonly RowKey[],
    { after, pageSize }: PassPosition,
  ): Claim {
    const end: PassPosition = { phase: 'table', after: page.last ?? after, pageSize }
    const claim = this.#ledger.open(end, keys.length, codes.size)
    this.#rowsRead += codes.size
    this.#goOn(page.isLast ? this.#afterTable(pageSize) : end)
    return claim
  }

  /** For single codes the store came first. After a first run nothing can be gone unseen: the slot was there before anything was sent. */
  #afterTable(pageSize: number): PassPosition | null {
    if (this.#wanted || this.#pass.reason === 'first run' || this.#rowsRead === 0) return null
    return { phase: 'state', after: null, pageSize }
  }
  /** Whether the table was empty, so that rows that the store knows are left alone. */
  get foundNothing(): boolean {
    return this.isOver && !this.#wanted && !this.#keys && this.#pass.reason !== 'first run' && this.#rowsRead === 0
  }

  #claimKnown({ codes }: WalkedRead, keys: readonly RowKey[], { after, pageSize }: PassPosition): Claim {
    const listed = this.#listed ?? []
    for (const code of codes.values()) if (code !== null) this.#wanted?.delete(code)
    const end: PassPosition = { phase: 'state', after: listed.at(-1) ?? after, pageSize }
    const rows = this.#keys ? listed.length : 0
    const claim = this.#ledger.open(end, keys.length, rows)
    this.#rowsRead += rows
    this.#goOn(end)
    return claim
  }

  #afterKnownRows(): PassPosition | null {
    const { pageSize } = this.#position ?? { pageSize: firstPageSize }
    return this.#wanted && this.#wanted.size > 0 ? { phase: 'table', after: null, pageSize } : null
  }

  #goOn(position: PassPosition | null): void {
    this.#position = position
    this.#listed = null
    if (position === null) this.#ledger.walked()
  }
}

function isWanted(code: PatientCode | null, wanted: ReadonlySet<PatientCode>): boolean {
  return code !== null && wanted.has(code)
}
