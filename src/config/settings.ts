import type { ApiLimits } from '../model/api-limits.ts'
import type { Mapping } from '../model/patient/mapping.ts'
import type { Attribute } from '../model/patient/patient.ts'
import type { Config } from './schema/schema.ts'
import type { TlsSettings } from './tls.ts'
import type { SecretSource } from './value/secret.ts'
import type { TableName } from './value/table-name.ts'

/** Configuration as used: parsed, complete, its secrets wrapped. */
export interface Settings {
  readonly source: Readonly<Omit<Config['source'], 'url' | 'table'>> & {
    /** Null: the libpq variables locate the database. */
    readonly url: SecretSource | null
    readonly tls: TlsSettings
    readonly table: TableName
  }
  /** Null: each attribute comes from the column of its own name. */
  readonly mapping: Mapping | null
  readonly onMappingChange: Config['onMappingChange']
  /** Absolute path of the user's module. */
  readonly transform: string | null
  readonly mediquo: {
    /** URL whose path ends in a slash, so that `new URL('patients', baseUrl)` lies below it. */
    readonly baseUrl: URL
    readonly apiKey: SecretSource
    readonly secretKey: SecretSource
    readonly limits: ApiLimits
    readonly requiredAttributes: readonly Attribute[]
  }
  readonly verify: Readonly<Config['verify']>
  readonly state: {
    /** Null: the source database. */
    readonly url: SecretSource | null
    readonly tls: TlsSettings
    readonly schema: string
    /** Milliseconds. */
    readonly keepRemoved: number
  }
  readonly http: Readonly<Config['http']>
  readonly log: Readonly<Config['log']>
  /** Configuration file as it was named; null if there is none. */
  readonly file: string | null
}
