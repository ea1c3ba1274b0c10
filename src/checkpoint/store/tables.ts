import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  smallint,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'
import { type BackfillRunPosition, backfillRunReasons, backfillRunStates } from '../../model/progress/backfill-run.ts'
import { owedReasons } from '../../model/progress/stored-row.ts'
import { formatLsn, type Lsn, parseLsn } from '../../model/source/lsn.ts'
import { type RowKey, storedRowKey } from '../../model/source/row.ts'
import type { TableSchema } from '../../model/source/table-schema.ts'

const pgLsn = customType<{ data: Lsn; driverData: string }>({
  dataType: () => 'pg_lsn',
  toDriver: formatLsn,
  fromDriver: parseLsn,
})
const rowKeyText = customType<{ data: RowKey; driverData: string }>({
  dataType: () => 'text',
  fromDriver: storedRowKey,
})
const bytes = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' })

/** The stored positions and the source that they belong to, in one row. `epoch` is the fence: only the newest instance may write. */
export const checkpoint = pgTable('checkpoint', {
  id: smallint().primaryKey().default(1),
  slot: text().notNull(),
  publication: text().notNull(),
  sourceTable: text('source_table').notNull(),
  systemIdentifier: text('system_identifier').notNull(),
  timeline: integer().notNull(),
  /** OID of the source's database; null before the first start with a version that knows it. */
  databaseOid: text('database_oid'),
  /** The tables to which all of this was written: `storeIdentity`. Null as for `databaseOid`. */
  storeIdentity: text('store_identity'),
  lsn: pgLsn().notNull(),
  horizonLsn: pgLsn('horizon_lsn'),
  horizonOrdinal: bigint('horizon_ordinal', { mode: 'number' }),
  /** The read position R: the largest end position of a table read of which something was sent or settled; null: none. */
  readLsn: pgLsn('read_lsn'),
  epoch: bigint('run', { mode: 'number' }).notNull().default(0),
  /** Token of the last take-over, number of the newest write, and the same of the writer before: `WriterStamp`. */
  writer: uuid(),
  writes: bigint({ mode: 'number' }).notNull().default(0),
  previousWriter: uuid('previous_writer'),
  previousWrites: bigint('previous_writes', { mode: 'number' }),
  /** Rule 15: time until which the requests of the writer with this token may be out, by this server's clock. Null: none is out. */
  leasedUntil: timestamp('leased_until', { withTimezone: true }),
  leasedBy: uuid('leased_by'),
  /** Table schema when the table was last prepared; null before the first time. */
  sourceTableSchema: jsonb('source_shape').$type<TableSchema>(),
  /** Rule 1: set when a slot is created, null once the gap is closed. */
  slotGapXid: bigint('slot_gap_xid', { mode: 'bigint' }),
  fingerprintSalt: bytes('fingerprint_salt').notNull(),
  /** The mapping in use; null before the first start with a version that knows it. */
  mapping: integer(),
  /** The last mapping by which the whole table was settled. */
  completeMapping: integer('complete_mapping'),
  /** Requests of the last minute, as [epoch second, endpoint, count]. */
  recentRequests: jsonb('recent_requests').notNull().default([]),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
})

/** Row records: what was last settled of each row. They hold no value of a row except its key and its codes. */
export const delivery = pgTable(
  'delivery',
  {
    /** The key, or its hash if an index cannot hold it: `storedKey`. */
    sourceKey: text('source_key').primaryKey(),
    /** The key if `source_key` is a hash; else null. */
    fullKey: rowKeyText('full_key'),
    code: text(),
    fingerprint: bytes(),
    removed: boolean().notNull().default(false),
    lsn: pgLsn(),
    ordinal: bigint({ mode: 'number' }),
    xid: bigint({ mode: 'bigint' }),
    /** Rule 12: codes other than `code` that mediQuo may have of the row. Null if there are none. */
    formerCodes: text('former_codes').array(),
    /** Reason why the row is to be read from the table again; null if it is not. */
    owed: text({ enum: owedReasons }),
    /** The code that an owed row will have once it is read, if the change told it. */
    nextCode: text('next_code'),
    /** Rule 20: codes of the record of which mediQuo has accepted nothing from the row. Null if there are none. */
    unacceptedCodes: text('unaccepted_codes').array(),
    /** Rule 20: time since which the patient of a code to unsubscribe is looked for in vain, by this server's clock. */
    soughtSince: timestamp('sought_since', { withTimezone: true }),
    /** Time from which an owed row may be read, by this server's clock. */
    owedAt: timestamp('owed_at', { withTimezone: true }),
    /** The mapping in use when the record was written; null: the first one. */
    mapping: integer(),
    /** Time at which the row was found to be removed, so that its record may be forgotten later; null: not yet. */
    removedAt: timestamp('removed_at', { withTimezone: true }),
  },
  (table) => [
    index('delivery_code_idx').on(table.code),
    index('delivery_owed_at_idx').on(table.owedAt).where(sql`${table.owed} is not null`),
    index('delivery_former_codes_idx').using('gin', table.formerCodes).where(sql`${table.formerCodes} is not null`),
    index('delivery_removed_idx').on(table.sourceKey).where(sql`${table.removed}`),
    index('delivery_next_code_idx').on(table.nextCode).where(sql`${table.nextCode} is not null`),
  ],
)

/** Mappings in the order of their use. The first one is part of every fingerprint, so that fingerprints outlive a change of the mapping. */
export const mapping = pgTable('mapping', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  /** Identifies the mapping's meaning: `CompiledMapping.id`. */
  hash: text().notNull(),
  firstUsedAt: timestamp('first_used_at', { withTimezone: true }).notNull().defaultNow(),
})

/** Rejected rows, with the reason and the attributes' names, never their values. */
export const deadLetter = pgTable('dead_letter', {
  sourceKey: text('source_key').primaryKey(),
  fullKey: rowKeyText('full_key'),
  code: text(),
  reason: text().notNull(),
  attributes: jsonb().notNull(),
  status: integer(),
  attempts: integer().notNull().default(1),
  firstAt: timestamp('first_at', { withTimezone: true }).notNull().defaultNow(),
  lastAt: timestamp('last_at', { withTimezone: true }).notNull().defaultNow(),
})

/** Backfill runs: how far each has settled, and the `epoch` in which it was started. */
export const backfill = pgTable('backfill', {
  id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  state: text({ enum: backfillRunStates }).notNull(),
  reason: text({ enum: backfillRunReasons }).notNull(),
  codes: jsonb().$type<readonly string[]>(),
  keys: jsonb().$type<readonly string[]>(),
  position: jsonb().$type<BackfillRunPosition>(),
  beganInRun: bigint('began_in_run', { mode: 'number' }),
  /** The mapping in use when the run began. */
  mapping: integer(),
  rowsRead: bigint('rows_read', { mode: 'number' }).notNull().default(0),
  rowsEstimated: bigint('rows_estimated', { mode: 'number' }),
  requestedAt: timestamp('requested_at', { withTimezone: true }).notNull().defaultNow(),
  startedAt: timestamp('started_at', { withTimezone: true }),
  finishedAt: timestamp('finished_at', { withTimezone: true }),
})
