/** Kinds of problems, in the order in which they are shown: the worst first. */
export const problemKinds = [
  'writes refused',
  'stuck',
  'slot being lost',
  'slot soon lost',
  'blocked',
  'keys refused',
  'every patient refused',
  'success not proven',
  'told to wait',
  'store not writable',
  'database not readable',
  'store went back',
  'not ready',
  'API down',
  'unexpected success',
  'rate limited',
  'reads unanswered',
  'standstill',
  'slot will be lost',
  'slot retains WAL',
  'child tables',
  'orphaned slot',
  'drift',
  'falls behind',
  'backfill stalled',
  'shared codes',
  'codes respelled',
  'mapping outdated',
  'dead letters',
] as const
export type ProblemKind = (typeof problemKinds)[number]

/** `critical`: somebody has to act now. */
export const severities = ['warning', 'critical'] as const
export type Severity = (typeof severities)[number]

interface Entry {
  /** Never changes its meaning. MQ1: source and slot, MQ2: mediQuo and delivery, MQ3: store, MQ4: rows, MQ9: the connector. */
  readonly code: `MQ${number}`
  readonly severity: Severity
  /** Section of docs/operations.md. */
  readonly anchor: string
  /** Effect on the connector as a whole; null: it works as usual. */
  readonly effect: string | null
}

export const problemCatalog: Readonly<Record<ProblemKind, Entry>> = {
  'writes refused': {
    code: 'MQ1103',
    severity: 'critical',
    anchor: 'writes-refused',
    effect: 'PostgreSQL refuses writes of the application because the table is published.',
  },
  stuck: {
    code: 'MQ9001',
    severity: 'critical',
    anchor: 'alert-wedged',
    effect: 'The connector is stuck: rows could be sent, and nothing has moved for minutes.',
  },
  'slot being lost': {
    code: 'MQ1204',
    severity: 'critical',
    anchor: 'alert-slot-soon-lost',
    effect: 'The replication slot is being lost: every row would have to be read again.',
  },
  'slot soon lost': {
    code: 'MQ1203',
    severity: 'critical',
    anchor: 'alert-slot-soon-lost',
    effect: 'The replication slot is about to be lost: every row would have to be read again.',
  },
  blocked: {
    code: 'MQ1101',
    severity: 'critical',
    anchor: 'alert-blocked',
    effect: 'Nothing is sent until somebody has acted. Nothing is lost in the meantime.',
  },
  'keys refused': {
    code: 'MQ2002',
    severity: 'critical',
    anchor: 'alert-keys-refused',
    effect: 'mediQuo refuses the keys. Changes wait until the keys are correct.',
  },
  'every patient refused': {
    code: 'MQ2003',
    severity: 'critical',
    anchor: 'alert-every-patient-refused',
    effect: 'mediQuo refuses every patient alike. Changes wait, nothing is lost.',
  },
  'success not proven': {
    code: 'MQ2005',
    severity: 'critical',
    anchor: 'success-not-proven',
    effect: 'mediQuo reports success, and does not show what was sent. Changes wait, nothing is lost.',
  },
  'told to wait': {
    code: 'MQ2007',
    severity: 'critical',
    anchor: 'told-to-wait',
    effect: 'mediQuo asks to wait for a long time. Changes wait, nothing is lost.',
  },
  'store not writable': {
    code: 'MQ3001',
    severity: 'critical',
    anchor: 'store-not-writable',
    effect: 'The checkpoint store cannot be written. Changes wait, and are delivered once it can be.',
  },
  'store went back': {
    code: 'MQ3010',
    severity: 'warning',
    anchor: 'store-went-back',
    effect: 'The checkpoint store lacks what was written to it last. Every row is read from the table and sent again.',
  },
  'database not readable': {
    code: 'MQ1105',
    severity: 'critical',
    anchor: 'database-not-readable',
    effect:
      'A database refuses what the connector reads. Rows that wait for a read, and the replication slot, do not get on.',
  },
  'not ready': {
    code: 'MQ1102',
    severity: 'warning',
    anchor: 'alert-not-ready',
    effect: 'The connector cannot start streaming yet, and tries again.',
  },
  'API down': {
    code: 'MQ2001',
    severity: 'warning',
    anchor: 'alert-api-down',
    effect: 'mediQuo does not answer. Changes wait, and are delivered once it does.',
  },
  'rate limited': {
    code: 'MQ2004',
    severity: 'warning',
    anchor: 'alert-rate-limited',
    effect: 'mediQuo answers that its rate limit is reached. Changes wait for as long as it asks.',
  },
  'unexpected success': {
    code: 'MQ2006',
    severity: 'warning',
    anchor: 'unexpected-success',
    effect:
      'mediQuo reports success in a way that it does not document. Each patient is read back, so delivery is slow.',
  },
  'reads unanswered': {
    code: 'MQ2011',
    severity: 'warning',
    anchor: 'reads-unanswered',
    effect: 'mediQuo does not answer when patients are read back. Changes are delivered; deleted rows wait.',
  },
  standstill: { code: 'MQ2101', severity: 'warning', anchor: 'standstill', effect: null },
  'slot will be lost': { code: 'MQ1202', severity: 'warning', anchor: 'alert-slot-holds-wal', effect: null },
  'slot retains WAL': { code: 'MQ1201', severity: 'warning', anchor: 'alert-slot-holds-wal', effect: null },
  'child tables': { code: 'MQ1104', severity: 'warning', anchor: 'child-tables', effect: null },
  'orphaned slot': { code: 'MQ1205', severity: 'warning', anchor: 'orphaned-slot', effect: null },
  drift: { code: 'MQ2201', severity: 'warning', anchor: 'alert-drift', effect: null },
  'falls behind': { code: 'MQ2102', severity: 'warning', anchor: 'alert-falls-behind', effect: null },
  'backfill stalled': { code: 'MQ1301', severity: 'warning', anchor: 'alert-backfill-stuck', effect: null },
  'shared codes': { code: 'MQ4002', severity: 'warning', anchor: 'shared-codes', effect: null },
  'codes respelled': { code: 'MQ2010', severity: 'warning', anchor: 'codes-respelled', effect: null },
  'mapping outdated': { code: 'MQ4010', severity: 'warning', anchor: 'mapping-changed', effect: null },
  'dead letters': { code: 'MQ4001', severity: 'warning', anchor: 'alert-dead-letters', effect: null },
}
