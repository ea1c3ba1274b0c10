import { findStateRights } from '../../checkpoint/store/state-rights.ts'
import type { CompiledMapping } from '../../mapping/compile.ts'
import { describeConnectionFailure } from '../../source/connection/connection-failure.ts'
import { probeReplication } from '../../source/connection/replication-probe.ts'
import { type Finding, requirement, warning } from '../../source/requirements/finding.ts'
import type { SourceFacts } from '../../source/source-facts.ts'
import { quoteIdentifier } from '../../source/sql-names.ts'
import { countDoubtfulCodes } from '../../source/table/doubtful-codes.ts'
import type { Wanted } from '../../source/wanted.ts'
import type { Resources } from '../resources.ts'
import { checkPatients } from './check-patients.ts'
import { checkChildTables, checkWrites } from './check-writes.ts'

type Tools = Pick<Resources, 'settings' | 'source' | 'state' | 'api' | 'runtime'>

interface CheckedTable {
  readonly facts: SourceFacts
  readonly wanted: Wanted
  readonly mapping: CompiledMapping | null
}

/** Checks what the source's catalogs do not contain. Each check is independent, so that a failure hides no other. */
export async function checkSurroundings(tools: Tools, found: CheckedTable | null): Promise<Finding[]> {
  const { clientConfig } = tools.source
  const findings: Finding[] = []
  if (found) {
    // Without the right to replicate the server refuses the connection, which is a finding already.
    if (found.facts.mayReplicate && found.facts.freeSenders > 0) findings.push(await checkReplication(tools))
    const writes = await checkWrites(tools.source.pool, found.facts, found.wanted)
    if (writes) findings.push(writes)
    const children = await checkChildTables(tools.source.pool, found.wanted)
    if (children) findings.push(children)
    const code = await checkCodes(clientConfig, found)
    if (code) findings.push(code)
    findings.push(...(await checkPatients(tools, found)))
  }
  return [...findings, await checkState(tools), ...(await checkClocks(tools, found !== null))]
}

/** Checks the replication protocol: a pooler answers ordinary sessions but cannot carry the stream. */
async function checkReplication({ source }: Tools): Promise<Finding> {
  const what = 'the server itself is reached'
  try {
    const identifier = await probeReplication(source.clientConfig)
    const { rows } = await source.pool.query<{ id: string }>('select system_identifier as id from pg_control_system()')
    return requirement({
      requirement: what,
      met: rows[0]?.id === identifier,
      found: 'it accepts a replication connection',
      lacking: 'replication connections reach another server than ordinary ones',
      fix: 'name one server in DATABASE_URL',
    })
  } catch (error) {
    return {
      requirement: what,
      met: false,
      detail: describeConnectionFailure(error, 'a replication connection'),
      fix: null,
    }
  }
}

async function checkCodes(
  config: Tools['source']['clientConfig'],
  { facts, wanted, mapping }: CheckedTable,
): Promise<Finding | null> {
  const [column, ...others] = mapping?.codeColumns ?? []
  // A code that is the key itself is never missing or repeated.
  const isKey = facts.table?.keyColumns.length === 1 && facts.table.keyColumns[0] === column
  if (column === undefined || others.length > 0 || isKey) return null
  const what = 'each row has a code of its own'
  const counted = await countDoubtfulCodes(config, { ...wanted, column }).catch((error: unknown) => error)
  if (counted === null)
    return warning({ requirement: what, met: true, found: 'the table is too large to count that in 3 s', fix: null })
  if (!isCounted(counted)) {
    const sentence = describeConnectionFailure(counted, 'the source')
    return warning({ requirement: what, met: false, found: `it could not be counted: ${sentence}`, fix: null })
  }
  const { missing, repeated } = counted
  return warning({
    requirement: what,
    met: missing + repeated === 0,
    found: `${column} is never missing or repeated`,
    lacking: `${column} is missing in ${missing} rows, which will be rejected, and repeated in ${repeated}: of rows with one code the last change wins`,
    fix: 'map code from a column that is unique, or leave the rows out with source.where',
  })
}

function isCounted(value: unknown): value is { readonly missing: number; readonly repeated: number } {
  return typeof value === 'object' && value !== null && 'missing' in value && 'repeated' in value
}

async function checkState({ state, settings }: Tools): Promise<Finding> {
  const { schema } = settings.state
  const what = 'the state can be kept'
  try {
    const { user, database, hasSchema, mayMake } = await findStateRights(state.pool, schema)
    const [name, role] = [quoteIdentifier(schema), quoteIdentifier(user)]
    return requirement({
      requirement: what,
      met: mayMake,
      found: `in schema ${schema} of database ${database}`,
      lacking: `${user} may not make ${hasSchema ? `tables in schema ${schema}` : `schema ${schema}`} in database ${database}`,
      fix: hasSchema
        ? `GRANT USAGE, CREATE ON SCHEMA ${name} TO ${role};`
        : `CREATE SCHEMA ${name} AUTHORIZATION ${role};`,
    })
  } catch (error) {
    return { requirement: what, met: false, detail: describeConnectionFailure(error, 'the state'), fix: null }
  }
}

/** Maximum deviation of the clock: beyond it, log times and the date in a 429's Retry-After are misleading. */
const maxSkewMs = 60_000

async function checkClocks({ source, api, runtime }: Tools, asksSource: boolean): Promise<Finding[]> {
  const { clocks } = runtime
  const skews: [string, number][] = []
  if (api.client.serverClock) skews.push(['the API', api.client.serverClock.serverMs - api.client.serverClock.ownMs])
  if (asksSource) {
    const asked = await source.pool
      .query<{ ms: string }>('select extract(epoch from clock_timestamp()) * 1000 as ms')
      .catch(() => null)
    if (asked) skews.push(['the source', Number(asked.rows[0]?.ms) - clocks.wallClockMs()])
  }
  return skews.map(([whose, skewMs]) =>
    warning({
      requirement: `the clock agrees with ${whose}`,
      met: Math.abs(skewMs) <= maxSkewMs,
      found: `within ${Math.ceil(maxSkewMs / 1_000)} s`,
      lacking: `they are ${Math.round(Math.abs(skewMs) / 1_000)} s apart`,
      fix: 'set the clocks by NTP',
    }),
  )
}
