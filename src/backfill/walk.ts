import type { Claim } from '../model/debt.ts'
import type { Pass, PassPosition } from '../model/pass.ts'
import type { PatientCode } from '../model/patient.ts'
import type { Row, RowKey } from '../model/row.ts'
import { firstPageSize, nextPageSize } from './page-size.ts'
import type { PassLedger } from './pass-ledger.ts'

/** What a read of the table returned; the merge needs more of it than the walk. */
export interface FoundRows {
  readonly rows: ReadonlyMap<RowKey, Row>
}
export interface FoundPage extends FoundRows {
  /** Rows of the page that the publication's row filter leaves out. */
  readonly leftOut: readonly RowKey[]
  readonly last: RowKey | null
  readonly isLast: boolean
}

export interface WalkOptions<R extends FoundRows, P extends R & FoundPage> {
  readonly reader: {
    page(options: { readonly after: RowKey | null; readonly limit: number }): Promise<P>
    byKey(keys: readonly RowKey[]): Promise<R>
  }
  /** Rows that the state knows, those of a code only if it names some. */
  readonly knownRows: (
    after: RowKey | null,
    limit: number,
    codes: readonly PatientCode[] | null,
  ) => Promise<readonly RowKey[]>
  /** Merges the rows of these keys, in the read or not. The claim is made once nothing of it can fail any more. */
  readonly merge: (found: R, keys: readonly RowKey[], claim: () => Claim) => Promise<void>
  readonly codeOf: (row: Row) => PatientCode | null
  readonly bytesOf: (row: Row) => number
  readonly ledger: PassLedger
  readonly onEmptyTable: () => void
  readonly monotonicMs: () => number
}

/**
 * One pass: over the table by its key, then over the rows that the state knows, in short reads. The second half finds rows that
 * are gone; it does so by key, since an absence may only be concluded from a read that asked for the row. A pass over a list of
 * keys is a second half alone.
 */
export class Walk<R extends FoundRows, P extends R & FoundPage> {
  readonly #options: WalkOptions<R, P>
  readonly #pass: Pass
  readonly #wanted: Set<PatientCode> | null
  readonly #keys: readonly RowKey[] | null
  #position: PassPosition | null
  #rowsRead: number

  constructor(pass: Pass, options: WalkOptions<R, P>) {
    this.#options = options
    this.#pass = pass
    this.#wanted = pass.codes && new Set(pass.codes)
    this.#keys = pass.keys?.toSorted() ?? null
    const phase = pass.codes || pass.keys ? 'state' : 'table'
    this.#position = pass.position ?? { phase, after: null, pageSize: firstPageSize }
    this.#rowsRead = pass.rowsRead
    options.ledger.begin(pass)
  }

  get rowsRead(): number {
    return this.#rowsRead
  }

  /** Nothing is left to be read; the rows may still be on their way. */
  get isOver(): boolean {
    return this.#position === null
  }

  /** One short read, merged. */
  async step(): Promise<void> {
    const position = this.#position
    if (position === null) return
    const next = position.phase === 'table' ? await this.#readTable(position) : await this.#readKnown(position)
    this.#position = next
    if (next === null) this.#options.ledger.walked()
  }

  async #readTable({ after, pageSize: limit }: PassPosition): Promise<PassPosition | null> {
    const { reader, merge, codeOf, ledger, onEmptyTable } = this.#options
    const { found: page, pageSize } = await this.#timed(limit, reader.page({ after, limit }))
    const wanted = this.#wanted
    const keys = wanted
      ? [...page.rows].flatMap(([key, row]) => (isWanted(codeOf(row), wanted) ? [key] : []))
      : [...page.rows.keys(), ...page.leftOut]
    const end: PassPosition = { phase: 'table', after: page.last ?? after, pageSize }
    await merge(page, keys, () => ledger.open(end, keys.length, page.rows.size))
    this.#rowsRead += page.rows.size
    if (!page.isLast) return end
    // For single codes the state came first. After a first run nothing can be gone unseen: the slot was there before anything was sent.
    if (wanted || this.#pass.reason === 'first run') return null
    if (this.#rowsRead > 0) return { phase: 'state', after: null, pageSize }
    onEmptyTable()
    return null
  }

  async #readKnown({ after, pageSize: limit }: PassPosition): Promise<PassPosition | null> {
    const { reader, merge, codeOf, ledger } = this.#options
    const wanted = this.#wanted
    const keys = await this.#knownRows(after, limit)
    const last = keys.at(-1)
    const tableNext = wanted && ({ phase: 'table', after: null, pageSize: limit } as const)
    if (last === undefined) return tableNext
    const { found, pageSize } = await this.#timed(limit, reader.byKey(keys))
    for (const row of found.rows.values()) {
      const code = codeOf(row)
      if (code !== null) wanted?.delete(code)
    }
    // Of a whole pass only what is gone: the rest was read already, or has come by the stream.
    const relevant = wanted || this.#keys ? keys : keys.filter((key) => !found.rows.has(key))
    const end: PassPosition = { phase: 'state', after: last, pageSize }
    const rows = this.#keys ? keys.length : 0
    await merge(found, relevant, () => ledger.open(end, relevant.length, rows))
    this.#rowsRead += rows
    if (keys.length === limit) return end
    return wanted && wanted.size > 0 ? tableNext : null
  }

  async #knownRows(after: RowKey | null, limit: number): Promise<readonly RowKey[]> {
    if (!this.#keys) return await this.#options.knownRows(after, limit, this.#pass.codes)
    return this.#keys.filter((key) => after === null || key > after).slice(0, limit)
  }

  /** What a read brought, and how many rows the next one may ask for. */
  async #timed<F extends FoundRows>(limit: number, reading: Promise<F>) {
    const { bytesOf, monotonicMs } = this.#options
    const beganAtMs = monotonicMs()
    const found = await reading
    const bytes = [...found.rows.values()].reduce((sum, row) => sum + bytesOf(row), 0)
    return { found, pageSize: nextPageSize({ limit, ms: monotonicMs() - beganAtMs, bytes }) }
  }
}

function isWanted(code: PatientCode | null, wanted: ReadonlySet<PatientCode>): boolean {
  return code !== null && wanted.has(code)
}
