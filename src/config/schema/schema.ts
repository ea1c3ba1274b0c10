import { z } from 'zod'
import { attributes } from '../../model/patient/patient.ts'
import { mappingSchema } from './mapping-schema.ts'
import { setting } from './setting.ts'
import {
  baseUrl,
  choice,
  databaseUrl,
  durationMs,
  headerValue,
  identifier,
  keepingMs,
  nullable,
  schemaName,
  slotName,
  tableName,
  text,
  whole,
} from './setting-checks.ts'

/** Sections of the configuration: the only definition of each setting, its default and its meaning. */
export const sections = {
  source: z.strictObject({
    url: setting(nullable(databaseUrl), {
      type: 'URL or null',
      fallback: null,
      variable: { name: 'DATABASE_URL', isSecret: true, isInExample: true },
      doc: 'The customer’s PostgreSQL. Null: the libpq variables (PGHOST, PGUSER, PGSSLROOTCERT, ...) say where it is.',
    }),
    table: setting(tableName, {
      type: 'table name',
      fallback: 'public.patients',
      doc: 'The table of patients, `table` or `schema.table`, written as in SQL: lower case unless in double quotes.',
    }),
    slot: setting(slotName, {
      type: 'slot name',
      fallback: 'mediquo_cdc',
      doc: 'The replication slot. Lower-case letters, digits and underscores.',
    }),
    publication: setting(identifier, {
      type: 'identifier',
      fallback: 'mediquo_cdc',
      doc: 'The publication. Lower-case letters, digits and underscores, not a digit first.',
    }),
    where: setting(nullable(text), {
      type: 'SQL condition or null',
      fallback: null,
      doc: 'A publication row filter, for PostgreSQL 15 and later: only rows that meet it are patients. It may read columns of the replica identity only (the primary key, unless another was set): else updates of the table would fail, and it is refused. Changed later, it is given to the publication if the connector may alter it, and a backfill follows: rows that newly match are sent, the others count as deleted.',
    }),
    onDelete: setting(choice(['ignore', 'unsubscribe']), {
      type: 'ignore or unsubscribe',
      fallback: 'ignore',
      doc: 'A deleted row: ignore it, or send the patient once more without a plan.',
    }),
    onSlotLost: setting(choice(['backfill', 'stop']), {
      type: 'backfill or stop',
      fallback: 'backfill',
      doc: 'A slot that is gone or lost its WAL: recreate it, and read the whole table for what differs; or stop and say so.',
    }),
    onIdentityChange: setting(choice(['block', 'adopt']), {
      type: 'block or adopt',
      fallback: 'block',
      doc: 'Another system identifier or database OID, or a new timeline without our slot (a restore, a clone): send nothing until `mediquo-cdc adopt`, or adopt it by itself.',
    }),
    onStandby: setting(choice(['refuse', 'decode']), {
      type: 'refuse or decode',
      fallback: 'refuse',
      doc: 'A server that is a standby (PostgreSQL 16 and later): make the slot there and stream from it, with the state in another database (state.url); or say so and wait for a primary.',
    }),
    onTruncate: setting(choice(['reconcile', 'ignore']), {
      type: 'reconcile or ignore',
      fallback: 'reconcile',
      doc: 'TRUNCATE of the table: a backfill finds the rows that are gone, and treats them as deleted once the table has rows again; or ignore it.',
    }),
    backfill: setting(choice(['initial', 'never']), {
      type: 'initial or never',
      fallback: 'initial',
      doc: 'Whether the rows that are there before the first start are read and sent. If never, they are sent when they next change.',
    }),
  }),
  mediquo: z.strictObject({
    baseUrl: setting(baseUrl, {
      type: 'URL',
      fallback: 'https://sdk.mediquo.com/v1',
      variable: { name: 'MEDIQUO_BASE_URL' },
      doc: 'The API. Must be https unless its host is a loopback address.',
    }),
    apiKey: setting(nullable(headerValue), {
      type: 'text',
      fallback: null,
      variable: { name: 'MEDIQUO_API_KEY', isSecret: true, isInExample: true },
      doc: 'The key sent as X-API-Key.',
    }),
    secretKey: setting(nullable(headerValue), {
      type: 'text',
      fallback: null,
      variable: { name: 'MEDIQUO_SECRET_KEY', isSecret: true, isInExample: true },
      doc: 'The key sent as X-Secret-Key.',
    }),
    requestsPerMinute: setting(whole(1), {
      type: 'whole number from 1',
      unit: 'requests in any 60 s',
      fallback: 600,
      doc: 'The most requests in any minute. The default is the API’s published limit.',
    }),
    batchSize: setting(whole(1, 100), {
      type: 'whole number, 1 to 100',
      unit: 'patients',
      fallback: 100,
      doc: 'The most patients in one request. The API takes no more than 100.',
    }),
    maxInFlight: setting(whole(1), {
      type: 'whole number from 1',
      unit: 'requests',
      fallback: 8,
      doc: 'The most requests that wait for an answer at the same time.',
    }),
    requestTimeout: setting(durationMs, {
      type: 'duration, 1ms to 1h',
      unit: 'ms, s, m or h, written with it',
      fallback: '30s',
      doc: 'How long a request may take before it counts as unanswered and is sent again.',
    }),
    requiredAttributes: setting(
      z
        .array(choice(attributes), 'must be a list of attributes')
        .refine((list) => list.includes('code') && list.includes('first_name'), 'must contain code and first_name')
        .transform((list) => [...new Set(list)]),
      {
        type: 'list of attributes',
        fallback: ['code', 'first_name', 'gender', 'birth_date'],
        doc: 'A row without one of these becomes a dead letter. Without gender or birth_date, those two become optional.',
      },
    ),
  }),
  verify: z.strictObject({
    samplePerMinute: setting(whole(0), {
      type: 'whole number from 0',
      unit: 'rows a minute',
      fallback: 0,
      doc: 'Delivered rows, drawn at random, that are read back from the API and compared while running; fewer where that would take more than half of the GET budget, or all but eight requests of it. 0: none.',
    }),
  }),
  state: z.strictObject({
    url: setting(nullable(databaseUrl), {
      type: 'URL or null',
      fallback: null,
      variable: { name: 'STATE_DATABASE_URL', isSecret: true },
      doc: 'The PostgreSQL that keeps the checkpoint and the dead letters. Null: the source database.',
    }),
    schema: setting(schemaName, {
      type: 'identifier',
      fallback: 'mediquo_cdc',
      doc: 'The schema of the state’s tables; made if it is not there.',
    }),
    keepRemoved: setting(keepingMs, {
      type: 'duration, 1h to 3650d',
      unit: 'h or d, written with it',
      fallback: '30d',
      doc: 'How long the state keeps the key and the code of a row that is gone. What has still to be done for the row is kept longer.',
    }),
  }),
  http: z.strictObject({
    host: setting(text, {
      type: 'address',
      fallback: '127.0.0.1',
      variable: { name: 'HTTP_HOST' },
      doc: 'Where health, metrics and status are served. The image sets 0.0.0.0.',
    }),
    port: setting(whole(0, 65_535), {
      type: 'whole number, 0 to 65535',
      fallback: 8080,
      variable: { name: 'HTTP_PORT' },
      doc: 'Their port. 0: any free one, logged at start.',
    }),
  }),
  log: z.strictObject({
    level: setting(choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']), {
      type: 'trace, debug, info, warn, error, fatal or silent',
      fallback: 'info',
      variable: { name: 'LOG_LEVEL' },
      doc: 'The least severe lines that are logged, as JSON on stderr.',
    }),
  }),
} as const

/** Settings outside of any section, like the mapping. */
export const plainSettings = {
  onMappingChange: setting(choice(['backfill', 'wait']), {
    type: 'backfill or wait',
    fallback: 'backfill',
    doc: 'Another mapping, transform or list of required attributes than before: read the whole table, and send what differs; or leave the rows as they were sent until they change or `mediquo-cdc backfill` is run.',
  }),
  transform: setting(nullable(text), {
    type: 'path or null',
    fallback: null,
    doc: 'An ES module: `export default (row, patient) => patient | null` (null leaves the row out). Its path is relative to the configuration file’s.',
  }),
} as const

/** Schema of the configuration as written. A section that is absent or empty has all defaults. */
export const configSchema = z.strictObject({
  source: section(sections.source),
  mapping: mappingSchema,
  ...plainSettings,
  mediquo: section(sections.mediquo),
  verify: section(sections.verify),
  state: section(sections.state),
  http: section(sections.http),
  log: section(sections.log),
})

/** Configuration as written, checked and with defaults. */
export type Config = z.output<typeof configSchema>

function section<T extends z.ZodType>(schema: T) {
  return z.preprocess((written) => written ?? {}, schema)
}
