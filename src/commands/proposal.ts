import pg from 'pg'
import { mappingSchema } from '../config/schema/mapping-schema.ts'
import type { Settings } from '../config/settings.ts'
import { compileDateFormat, readIsoDate } from '../mapping/birth-date.ts'
import { type CompiledMapping, compileMapping } from '../mapping/compile.ts'
import { undecidedPlan } from '../mapping/plan-source.ts'
import { ProblemsError } from '../model/failure/connector-error.ts'
import { type Attribute, attributes } from '../model/patient/patient.ts'
import type { Row } from '../model/source/row.ts'
import { likeness } from '../proposal/column-names.ts'
import { dateFormat, genderValues } from '../proposal/known-values.ts'
import { type ProposedAttribute, proposeMapping } from '../proposal/propose-mapping.ts'
import { sourceClientConfig } from '../source/connection/connection.ts'
import { freeSlotName } from '../source/slot/free-slot-name.ts'
import { type ColumnFacts, gatherSourceFacts } from '../source/source-facts.ts'
import { type CandidateTable, readCandidateTables } from '../source/table/candidate-tables.ts'
import { readExcerpt } from '../source/table/table-excerpt.ts'
import { paddingInWords } from '../startup/requirements/check-patients.ts'
import { countPlans, hasNoPlans, type PlanCount, planCountInWords } from '../startup/requirements/plan-count.ts'
import { applicationName } from '../startup/resources.ts'

/** Maximum number of rows to look at. */
const excerptRows = 1_000
/** Time limit of the count of the patients without a plan, to spare the customer's server. */
const maxCountMs = 3_000

/** Number of sampled rows that would be sent, and the reasons against the others, without values. */
export interface Preview {
  readonly rows: number
  readonly sendable: number
  readonly reasons: readonly { readonly attribute: string; readonly reason: string; readonly rows: number }[]
}

/** Configuration for a table, and its effect. */
export interface Proposal {
  readonly table: { readonly schema: string; readonly table: string }
  /** Name for the replication slot; null: the default, which no other database of the server uses. */
  readonly slot: string | null
  readonly mapping: readonly ProposedAttribute[]
  readonly preview: Preview
  /** Count of the patients without a plan; null: the mapping does not say where it comes from, or the table is too large. */
  readonly plans: (PlanCount & { readonly sentence: string }) | null
  /** Note on the form in which codes are sent; null: as the column has them. */
  readonly codeForm: string | null
  /** Attributes that no column was found for. */
  readonly unmapped: readonly Attribute[]
  /** Gaps of the mapping, one sentence each. */
  readonly problems: readonly string[]
}

/** Opens the database for `init`, which changes nothing in it. */
export function openProposals(settings: Settings, environmentOptions: string) {
  const config = sourceClientConfig({
    url: settings.source.url?.current.reveal() ?? null,
    security: settings.source.tls,
    environmentOptions,
    applicationName: `${applicationName} init`,
    connectTimeoutMs: 10_000,
  })
  const pool = new pg.Pool({ ...config, max: 1 })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return {
    /** Returns the tables, those first that look most like a table of patients. */
    async tables(): Promise<(CandidateTable & { readonly likeness: number })[]> {
      const found = await readCandidateTables(pool, settings.state.schema)
      const judged = found.map((table) => ({ ...table, likeness: likeness(table.columns) }))
      return judged.toSorted((a, b) => b.likeness - a.likeness || b.rowsEstimated - a.rowsEstimated)
    },
    async propose(table: { readonly schema: string; readonly table: string }): Promise<Proposal | null> {
      const facts = await gatherSourceFacts(pool, {
        ...table,
        publication: '',
        slot: settings.source.slot,
        where: null,
      })
      if (!facts.table) return null
      const columns = facts.table.columns.filter(({ generated }) => generated === null)
      const names = columns.map(({ name }) => name)
      const rows = await readExcerpt(config, { ...table, columns: names, limit: excerptRows })
      const mapping = proposeMapping(
        { columns: columns.map(asProposed), key: facts.table.keyColumns },
        {
          genders: (column) => genderValues(distinct(rows, column)),
          dates: (column) => dateFormat(texts(rows, column), reads),
        },
      )
      const slot = freeSlotName(settings.source.slot, facts)
      const { compiled, preview, problems } = previewOf(mapping, { columns, names, rows, settings })
      const unmapped = attributes.filter((attribute) => mapping.every((one) => one.attribute !== attribute))
      const isUndecided = unmapped.includes('plan')
      const { kind, key } = facts.table
      const count =
        compiled === null || isUndecided
          ? null
          : await countPlans(pool, { ...table, kind, key, columns: [] }, { plan: compiled.plan, ms: maxCountMs })
      return {
        table,
        slot,
        mapping: count !== null && hasNoPlans(count) ? mapping.map(withDoubtfulPlan) : mapping,
        preview,
        codeForm: compiled && compiled.padding.columns.length > 0 ? paddingInWords(compiled.padding.columns) : null,
        plans: count && { ...count, sentence: planCountInWords(count) },
        unmapped,
        problems: isUndecided ? [...problems, undecidedPlan(null)] : problems,
      }
    },
    close: () => pool.end(),
  }
}

/** Adds a comment to a plan that every row lacks: the column is probably another one. */
function withDoubtfulPlan(one: ProposedAttribute): ProposedAttribute {
  return one.attribute === 'plan' ? { ...one, comment: 'every row lacks it: see that this is the column' } : one
}

function asProposed({ name, category, typeOid }: ColumnFacts) {
  const isJson = [114, 3802].includes(typeOid)
  return { name, isText: category === 'S', isJson, isDate: [1082, 1114, 1184].includes(typeOid) }
}

function texts(rows: readonly Row[], column: string): string[] {
  return rows.flatMap((row) => {
    const value = row.get(column)
    return typeof value === 'string' ? [value] : []
  })
}

function distinct(rows: readonly Row[], column: string): string[] {
  return [...new Set(texts(rows, column))]
}

function reads(format: string | null, text: string): boolean {
  const read = format === null ? readIsoDate : compileDateFormat(format)
  return typeof read === 'function' && 'date' in read(text)
}

interface Looked {
  readonly columns: readonly ColumnFacts[]
  readonly names: readonly string[]
  readonly rows: readonly Row[]
  readonly settings: Settings
}

function previewOf(
  proposed: readonly ProposedAttribute[],
  { columns, names, rows, settings }: Looked,
): {
  readonly compiled: CompiledMapping | null
  readonly preview: Preview
  readonly problems: readonly string[]
} {
  const written = Object.fromEntries(proposed.map((one) => [one.attribute, one.written]))
  try {
    const compiled = compileMapping(mappingSchema.parse(written), {
      columns: names,
      types: new Map(columns.map((column) => [column.name, column])),
      requiredAttributes: settings.mediquo.requiredAttributes,
    })
    const counts = new Map<string, number>()
    let sendable = 0
    for (const row of rows) {
      const mapped = compiled.map(row)
      if (mapped.kind === 'patient') sendable++
      if (mapped.kind !== 'invalid') continue
      for (const { attribute, reason } of mapped.invalid) {
        const name = `${attribute}\n${reason}`
        counts.set(name, (counts.get(name) ?? 0) + 1)
      }
    }
    const reasons = [...counts].map(([name, of]) => {
      const [attribute = '', reason = ''] = name.split('\n')
      return { attribute, reason, rows: of }
    })
    return { compiled, preview: { rows: rows.length, sendable, reasons }, problems: [] }
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error
    return { compiled: null, preview: { rows: rows.length, sendable: 0, reasons: [] }, problems: error.problems }
  }
}
