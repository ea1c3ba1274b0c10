import { resolve } from 'node:path'
import type { Mapping } from '../model/patient/mapping.ts'
import { attributes } from '../model/patient/patient.ts'
import type { Environment, Override } from './input/environment.ts'
import type { Problem } from './problem.ts'
import type { Config } from './schema/schema.ts'
import { problemAt } from './schema/schema-problems.ts'
import type { Settings } from './settings.ts'
import { readTls, type TlsSettings } from './tls.ts'
import { SecretSource } from './value/secret.ts'

interface Origin {
  readonly file: string | null
  /** Base directory of relative paths. */
  readonly directory: string
  readonly lines: ReadonlyMap<string, number>
  readonly overrides: ReadonlyMap<string, Override>
  readonly env: Environment
  /** Keys that may be missing. */
  readonly optional: readonly string[]
}

/** Converts the configuration as written to the settings as used. The problems are required keys that are missing. */
export function toSettings(config: Config, origin: Origin): { settings: Settings; problems: readonly Problem[] } {
  const { source, transform, mediquo, state } = config
  const problems: Problem[] = []
  const settings: Settings = {
    ...config,
    source: { ...source, url: wrapped(source.url, 'source.url'), tls: secured(source.url, 'source.url') },
    mapping: config.mapping === null ? null : placed(config.mapping, origin),
    transform: transform === null ? null : resolve(origin.directory, transform),
    mediquo: {
      baseUrl: mediquo.baseUrl,
      apiKey: needed(mediquo.apiKey, 'mediquo.apiKey'),
      secretKey: needed(mediquo.secretKey, 'mediquo.secretKey'),
      limits: {
        requestsPerMinute: mediquo.requestsPerMinute,
        batchSize: mediquo.batchSize,
        maxInFlight: mediquo.maxInFlight,
        requestTimeoutMs: mediquo.requestTimeout,
      },
      requiredAttributes: mediquo.requiredAttributes,
    },
    state: { ...state, url: wrapped(state.url, 'state.url'), tls: secured(state.url ?? source.url, 'state.url') },
    file: origin.file,
  }
  if (source.url === null && !origin.optional.includes('source.url')) {
    missing('source.url', 'DATABASE_URL, DATABASE_URL_FILE or the libpq variables (PGHOST, PGDATABASE, PGUSER, ...)')
  }
  return { settings, problems }

  function secured(url: string | null, key: string): TlsSettings {
    const read = readTls(url, origin.env)
    if ('tls' in read) return read.tls
    // Without a URL of its own, the state uses the source's: report the fault once.
    if (key === 'source.url' || state.url !== null) problems.push(problemAt(key.split('.'), read.fault, origin))
    return { mode: 'verify-full', host: '', rootCertificate: 'system', client: null }
  }

  function wrapped(value: string | null, key: string): SecretSource | null {
    return value === null ? null : new SecretSource(value, origin.overrides.get(key)?.readFile ?? null)
  }

  function needed(value: string | null, key: 'mediquo.apiKey' | 'mediquo.secretKey'): SecretSource {
    const variable = key === 'mediquo.apiKey' ? 'MEDIQUO_API_KEY' : 'MEDIQUO_SECRET_KEY'
    if (value === null && !origin.optional.includes(key)) missing(key, `${variable} or ${variable}_FILE`)
    return wrapped(value, key) ?? new SecretSource('')
  }

  function missing(key: string, variables: string): void {
    problems.push(problemAt(key.split('.'), `is not set; set it here or in ${variables}`, origin))
  }
}

/** Adds file and line to each attribute, for faults that show only once the table is known. */
function placed(mapping: Mapping, { file, lines }: Origin): Mapping {
  return Object.fromEntries(
    attributes.flatMap((attribute) => {
      const source = mapping[attribute]
      const line = lines.get(`mapping.${attribute}`)
      return source === undefined ? [] : [[attribute, { ...source, at: line === undefined ? file : `${file}:${line}` }]]
    }),
  )
}
