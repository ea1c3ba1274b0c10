/** Provider of a managed PostgreSQL, known by a role that only this provider creates; null: none that we know. */
export type ManagedService = 'Amazon RDS' | 'Cloud SQL' | 'Azure' | 'Supabase' | 'Neon'

/** Role that each provider creates in every one of its servers. */
export const telltaleRoles: Readonly<Record<ManagedService, string>> = {
  'Amazon RDS': 'rds_superuser',
  'Cloud SQL': 'cloudsqlsuperuser',
  Azure: 'azure_pg_admin',
  Supabase: 'supabase_admin',
  Neon: 'neon_superuser',
}

/** Returns the way to turn on logical decoding. No provider lets a user run ALTER SYSTEM. */
export function walLevelFix(service: ManagedService | null): string {
  switch (service) {
    case 'Amazon RDS':
      return 'set rds.logical_replication = 1 in the parameter group, then restart the instance'
    case 'Cloud SQL':
      return 'set the flag cloudsql.logical_decoding = on, which restarts the instance'
    case 'Azure':
      return 'set the server parameter wal_level = logical, then restart the server'
    case 'Supabase':
      return 'ask the support for wal_level = logical, which is the default there'
    case 'Neon':
      return "enable logical replication in the project's settings"
    case null:
      return 'ALTER SYSTEM SET wal_level = logical; then restart the server'
  }
}

/** Returns the statement that lets a role replicate. RDS has no such attribute but a role. */
export function replicationFix(service: ManagedService | null, quotedRole: string): string {
  if (service === 'Amazon RDS') return `GRANT rds_replication TO ${quotedRole};`
  return `ALTER ROLE ${quotedRole} REPLICATION;`
}

/** Returns the way to change a setting of the server. */
export function settingFix(service: ManagedService | null, setting: string, value: string): string {
  if (service === null) return `ALTER SYSTEM SET ${setting} = '${value}'; SELECT pg_reload_conf();`
  return `set ${setting} to ${value} in the settings of ${service}`
}
