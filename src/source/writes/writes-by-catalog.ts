import type { ClientBase } from 'pg'
import { columnsNamedIn } from '../requirements/filter-columns.ts'
import { generatedVersion } from '../requirements/publication-sql.ts'
import type { PublishedTable, RefusedWrite, WritesAnswer } from './refused-write.ts'

/**
 * Catalogs from which PostgreSQL decides whether it accepts a write of a published table. A partition is published under the name of an
 * ancestor if the publication says so. Column lists came with PostgreSQL 15, hence the JSON.
 */
const query = `
  with recursive members as (
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2
    union select i.inhrelid from members join pg_inherits i on i.inhparent = members.oid)
  select format('%I.%I', n.nspname, c.relname) as table, c.relreplident = 'f' as "isFull",
    current_setting('server_version_num') as "versionNumber", p.pubupdate as "publishesUpdate", p.pubdelete as "publishesDelete",
    (select json_agg(a.attname) from pg_index i
        cross join lateral unnest(i.indkey) with ordinality k(attnum, place)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
      where i.indexrelid = pg_get_replica_identity_index(c.oid) and k.place <= i.indnkeyatts) as identity,
    (select json_agg(json_build_object('name', a.attname, 'isGenerated', a.attgenerated <> '')) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    t.published, t.filter, t."hasColumnList"
  from members join pg_class c using (oid) join pg_namespace n on n.oid = c.relnamespace
    join pg_publication p on p.pubname = $3
    cross join lateral (
      select to_jsonb(t) -> 'attnames' as published, to_jsonb(t) ->> 'rowfilter' as filter,
        coalesce((select to_jsonb(r) ->> 'prattrs' is not null from pg_publication_rel r
          where r.prpubid = p.oid and r.prrelid = a.relid), false) as "hasColumnList"
      from (select c.oid as relid union select relid from pg_partition_ancestors(c.oid)) a
        join pg_class ac on ac.oid = a.relid join pg_namespace an on an.oid = ac.relnamespace
        join pg_publication_tables t on t.pubname = p.pubname and t.schemaname = an.nspname and t.tablename = ac.relname
      limit 1) t
  where c.relkind in ('r', 'p') order by c.oid`

/** Table with its replica identity and what the publication has of it. */
interface PublishedMember {
  readonly table: string
  readonly versionNumber: number
  readonly isFull: boolean
  /** Columns of the index of the replica identity; null: it has none. */
  readonly identity: readonly string[] | null
  readonly columns: readonly { readonly name: string; readonly isGenerated: boolean }[]
  readonly hasColumnList: boolean
  /** Published columns; null: the version has no column lists. */
  readonly published: readonly string[] | null
  readonly filter: string | null
  readonly operations: readonly RefusedWrite['operation'][]
}

/** Answers the question of `askWrites` from the catalogs, as PostgreSQL decides it. */
export async function writesByCatalog(
  session: Pick<ClientBase, 'query'>,
  { schema, table, publication }: PublishedTable,
): Promise<WritesAnswer> {
  const { rows } = await session.query<Record<string, string | null>>(query, [schema, table, publication])
  for (const row of rows) {
    const write = refusedWriteOf(memberOf(row))
    if (write) return { kind: 'refused', write }
  }
  return { kind: 'accepted' }
}

function memberOf(row: Record<string, string | null>): PublishedMember {
  const list = (text: string | null | undefined) => (text ? (JSON.parse(text) as string[]) : null)
  return {
    table: row.table ?? '',
    versionNumber: Number(row.versionNumber),
    isFull: row.isFull === 't',
    identity: list(row.identity),
    columns: JSON.parse(row.columns ?? '[]') as PublishedMember['columns'],
    hasColumnList: row.hasColumnList === 't',
    published: list(row.published),
    filter: row.filter ?? null,
    operations: [
      ...(row.publishesUpdate === 't' ? (['UPDATE'] as const) : []),
      ...(row.publishesDelete === 't' ? (['DELETE'] as const) : []),
    ],
  }
}

/** Returns the write that PostgreSQL refuses, with the text of the server; null: none. Pure. */
function refusedWriteOf(member: PublishedMember): RefusedWrite | null {
  const [operation] = member.operations
  if (operation === undefined) return null
  const refused = (cause: RefusedWrite['cause'], detail: string): RefusedWrite => ({
    operation,
    table: member.table,
    cause,
    server: { message: `cannot ${operation.toLowerCase()} table ${member.table}`, detail, hint: null },
  })
  if (!filterFits(member))
    return refused(
      'published columns',
      'Column used in the publication WHERE expression is not part of the replica identity',
    )
  if (!columnsFit(member))
    return refused('published columns', 'Column list used by the publication does not cover the replica identity')
  if (!member.isFull && member.identity === null)
    return refused('identity', `it does not have a replica identity and publishes ${operation.toLowerCase()}s`)
  return null
}

function filterFits({ filter, isFull, identity, columns }: PublishedMember): boolean {
  if (filter === null || isFull) return true
  const read = columnsNamedIn(
    filter,
    columns.map(({ name }) => name),
  )
  return read.every((column) => identity?.includes(column))
}

/** PostgreSQL 18 requires that the generated columns of an identity are published. Earlier versions never publish them. */
function columnsFit({ versionNumber, isFull, identity, columns, hasColumnList, published }: PublishedMember): boolean {
  if (published === null) return true
  if (isFull && hasColumnList) return false
  const requiresGenerated = versionNumber >= generatedVersion
  const generated = new Set(columns.filter(({ isGenerated }) => isGenerated).map(({ name }) => name))
  const identifying = isFull ? [...generated] : (identity ?? [])
  return identifying.every(
    (column) => published.includes(column) || (generated.has(column) && !hasColumnList && !requiresGenerated),
  )
}
