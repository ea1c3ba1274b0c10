import type { Pool } from 'pg'

/** Rights of the store's user in its schema. */
export interface StateRights {
  readonly user: string
  readonly database: string
  readonly hasSchema: boolean
  /** True if the user may create tables in the schema, or the schema itself if it is missing. */
  readonly mayMake: boolean
}

/** Queries the store's database without changing anything. @param schema a validated identifier. */
export async function findStateRights(pool: Pool, schema: string): Promise<StateRights> {
  const { rows } = await pool.query<{ user: string; database: string; has: boolean; may: boolean }>(
    `select current_user as user, current_database() as database, to_regnamespace($1) is not null as has,
      case when to_regnamespace($1) is null then has_database_privilege(current_database(), 'create')
        else has_schema_privilege(to_regnamespace($1), 'create') and has_schema_privilege(to_regnamespace($1), 'usage') end as may`,
    [schema],
  )
  const [found] = rows
  return {
    user: found?.user ?? '',
    database: found?.database ?? '',
    hasSchema: found?.has === true,
    mayMake: found?.may === true,
  }
}
