import { dropSchemaSql, dropTablesSql, type StateRemains } from '../checkpoint/store/state-remains.ts'
import { sizeInWords } from '../model/quantity.ts'
import { dropPublicationSql, dropSlotSql, type SourceRemains } from '../source/source-remains.ts'

/** Failure of a query, in one sentence. */
interface Unanswered {
  readonly failure: string
}

/** Objects of ours that were found at both ends. */
export interface Remains {
  readonly source: SourceRemains | Unanswered
  readonly state: StateRemains | Unanswered
}

/** Names from the configuration. */
export interface TeardownNames {
  readonly slot: string
  readonly publication: string
  /** `schema.table` */
  readonly table: string
  readonly stateSchema: string
  /** True if the state is in another database than the source. */
  readonly isStateElsewhere: boolean
}

export const teardownParts = ['replication slot', 'publication', 'state tables', 'state schema'] as const
export type TeardownPart = (typeof teardownParts)[number]

/** Action for a part. `leave`: it is not ours, or not ours alone. `unknown`: its database does not answer. */
export interface TeardownStep {
  readonly part: TeardownPart
  readonly name: string
  readonly where: string | null
  readonly action: 'drop' | 'leave' | 'gone' | 'unknown'
  readonly detail: string
  /** Statement that drops it; null if nothing is to be dropped. */
  readonly statement: string | null
}

export interface TeardownPlan {
  /** Reasons why nothing may be dropped, with the fix; none: it may. */
  readonly refusals: readonly string[]
  /** Steps in the order of execution: the slot first, since it fills the customer's disk. */
  readonly steps: readonly TeardownStep[]
  readonly notes: readonly string[]
}

/** Plans the objects to drop, and lists the reasons against it. Pure. */
export function planTeardown({ source, state }: Remains, names: TeardownNames): TeardownPlan {
  return {
    refusals: refusals({ source, state }, names),
    steps: [slotStep(source, names), publicationStep(source, state, names), ...stateSteps(state, names)],
    notes: notes(source),
  }
}

function refusals({ source, state }: Remains, names: TeardownNames): string[] {
  const found: string[] = []
  const owner = 'failure' in state ? null : state.belongsTo
  if (owner && (owner.slot !== names.slot || owner.publication !== names.publication)) {
    found.push(
      `the state in schema ${names.stateSchema} belongs to slot ${owner.slot} and publication ${owner.publication}, the configuration names ${names.slot} and ${names.publication}: let source.slot and source.publication, or state.schema, be those of one connector`,
    )
  }
  if ('failure' in source) return found
  if (owner && names.isStateElsewhere && owner.systemIdentifier !== source.systemIdentifier) {
    found.push(
      `the state belongs to a server with the system identifier ${owner.systemIdentifier}, the source's is ${source.systemIdentifier}: let the configuration name the databases of one connector, or run "mediquo-cdc adopt" first`,
    )
  }
  const { slot } = source
  if (slot?.isOurKind && slot.activePid !== null) {
    found.push(`${inUse(names.slot, slot)}: stop that connector first`)
  }
  return found
}

function inUse(
  name: string,
  { activePid, application }: { activePid: number | null; application: string | null },
): string {
  return `the replication slot ${name} is in use by process ${activePid}${application === null ? '' : ` (${application})`}`
}

function slotStep(source: Remains['source'], { slot: name }: TeardownNames): TeardownStep {
  const statement = dropSlotSql(name)
  const part = 'replication slot'
  if ('failure' in source) return { part, name, where: null, action: 'unknown', detail: source.failure, statement }
  const { slot, where } = source
  if (!slot) return { part, name, where, action: 'gone', detail: 'there is none', statement: null }
  if (!slot.isOurKind) {
    return {
      part,
      name,
      where,
      action: 'leave',
      detail: 'it is not of pgoutput, or of another database',
      statement: null,
    }
  }
  return { part, name, where, action: 'drop', detail: `it holds ${sizeInWords(slot.retainedBytes)} of WAL`, statement }
}

function publicationStep(source: Remains['source'], state: Remains['state'], names: TeardownNames): TeardownStep {
  const { publication: name, table } = names
  const statement = dropPublicationSql(name)
  const part = 'publication'
  if ('failure' in source) return { part, name, where: null, action: 'unknown', detail: source.failure, statement }
  const { publication, where } = source
  if (!publication) return { part, name, where, action: 'gone', detail: 'there is none', statement: null }
  // A renamed table is still the one that the state names.
  const known = 'failure' in state ? [] : [state.belongsTo?.sourceTable]
  const others = publication.tables.filter((one) => one !== table && !known.includes(one))
  if (publication.isWide || others.length > 0) {
    const what = publication.isWide ? 'all tables, or all of a schema' : others.join(', ')
    return {
      part,
      name,
      where,
      action: 'leave',
      detail: `it publishes more than the patients: ${what}`,
      statement: null,
    }
  }
  const what =
    publication.tables.length === 0 ? 'it publishes no table' : `it publishes ${publication.tables.join(', ')}`
  return { part, name, where, action: 'drop', detail: what, statement }
}

function stateSteps(state: Remains['state'], { stateSchema: schema }: TeardownNames): TeardownStep[] {
  const tablesPart = { part: 'state tables', name: schema } as const
  const schemaPart = { part: 'state schema', name: schema } as const
  if ('failure' in state) {
    const unknown = { where: null, action: 'unknown', detail: state.failure } as const
    return [{ ...schemaPart, ...unknown, statement: `DROP SCHEMA ${schema} CASCADE;` }]
  }
  const { where, hasSchema, tables, others } = state
  if (!hasSchema) return [{ ...schemaPart, where, action: 'gone', detail: 'there is none', statement: null }]
  const steps: TeardownStep[] = []
  if (tables.length > 0) {
    const detail = tables
      .map(({ name, rows }) => `${name} (${rows === null ? 'rows not counted' : rowsOf(rows)})`)
      .join(', ')
    steps.push({ ...tablesPart, where, action: 'drop', detail, statement: dropTablesSql(schema, tables) })
  }
  const keeps =
    others.length > 0
      ? `it holds what is not ours: ${others.join(', ')}`
      : schema === 'public'
        ? 'it is everybody’s'
        : null
  if (keeps !== null) steps.push({ ...schemaPart, where, action: 'leave', detail: keeps, statement: null })
  else {
    const detail = tables.length > 0 ? 'it is empty then' : 'it is empty'
    steps.push({ ...schemaPart, where, action: 'drop', detail, statement: dropSchemaSql(schema) })
  }
  return steps
}

function rowsOf(count: number): string {
  return `${count} ${count === 1 ? 'row' : 'rows'}`
}

/** Warns about sessions of connectors: one that waits for the slot, or is blocked, does not use it but recreates everything. */
function notes(source: Remains['source']): string[] {
  if ('failure' in source || source.sessions.length === 0) return []
  return [
    `connectors are connected to this database (processes ${source.sessions.join(', ')}): one with this configuration would recreate the slot and the state, so see that it is stopped`,
  ]
}
