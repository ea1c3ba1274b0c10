import type { PatientCode } from '../model/patient/patient.ts'
import type { Row, RowKey } from '../model/source/row.ts'
import { unreachable } from '../model/unreachable.ts'
import type { ReadRows } from './verify-rows.ts'

/** Rows to verify. */
export type Selection =
  | { readonly kind: 'sample'; readonly rows: number }
  | { readonly kind: 'codes'; readonly codes: readonly PatientCode[] }
  | { readonly kind: 'all' }

export interface SelectionOptions {
  readonly reader: {
    page(options: { readonly after: RowKey | null; readonly limit: number }): Promise<TablePage>
    byKey(keys: readonly RowKey[]): Promise<ReadRows>
    sampleKeys(limit: number): Promise<readonly RowKey[]>
  }
  /** Returns the keys of rows that the state knows with one of these codes. */
  readonly knownKeys: (codes: readonly PatientCode[]) => Promise<readonly RowKey[]>
  readonly codeOf: (row: Row) => PatientCode | null
}

interface TablePage extends ReadRows {
  readonly last: RowKey | null
  readonly isLast: boolean
}

/** Rows of a read: as many as GETs fit in ten seconds. A row read earlier has possibly changed, and would have to be read again. */
const rowsAtOnce = 100
/** Rows of a page when the table is searched for a few rows. */
const searchedAtOnce = 1_000

/** Reads the selected rows in short statements. */
export async function* selectRows(selection: Selection, options: SelectionOptions): AsyncGenerator<ReadRows> {
  const { reader } = options
  switch (selection.kind) {
    case 'all':
      yield* pages(reader, rowsAtOnce)
      return
    case 'sample':
      yield* byKeys(reader, await reader.sampleKeys(selection.rows))
      return
    case 'codes':
      yield* rowsOfCodes(new Set(selection.codes), options)
      return
    default:
      unreachable(selection)
  }
}

/** Reads the rows that the state knows by key, and then searches the table for the remaining codes. */
async function* rowsOfCodes(
  wanted: Set<PatientCode>,
  { reader, knownKeys, codeOf }: SelectionOptions,
): AsyncGenerator<ReadRows> {
  const found = new Set<PatientCode>()
  const ofWanted = ({ rows, endLsn }: ReadRows): ReadRows => {
    const entries = [...rows].filter(([, row]) => {
      const code = codeOf(row)
      if (code === null || !wanted.has(code)) return false
      found.add(code)
      return true
    })
    return { rows: new Map(entries), endLsn }
  }
  for await (const read of byKeys(reader, await knownKeys([...wanted]))) yield ofWanted(read)
  for (const code of found) wanted.delete(code)
  if (wanted.size === 0) return
  for await (const page of pages(reader, searchedAtOnce)) {
    const ours = ofWanted(page)
    if (ours.rows.size > 0) yield ours
  }
}

async function* pages(reader: SelectionOptions['reader'], limit: number): AsyncGenerator<TablePage> {
  for (let after: RowKey | null = null; ; ) {
    const page: TablePage = await reader.page({ after, limit })
    yield page
    if (page.isLast) return
    after = page.last
  }
}

async function* byKeys(reader: SelectionOptions['reader'], keys: readonly RowKey[]): AsyncGenerator<ReadRows> {
  for (let at = 0; at < keys.length; at += rowsAtOnce) yield await reader.byKey(keys.slice(at, at + rowsAtOnce))
}
