import { counted, grouped, sizeInWords, timeInWords } from '../quantity.ts'
import type { Problem, SlotFacts } from './problem.ts'
import type { ProblemKind } from './problem-kind.ts'
import { refusedWriteDetail, refusedWriteFix } from './refused-write-text.ts'
import { slotDetail, slotFix } from './slot-text.ts'

/** A problem in words, for a person. */
export interface ProblemText {
  readonly title: string
  /** Figures, or the reason from the connector. Empty: the title contains everything. */
  readonly detail: string
  readonly fix: string
  /** Commands that help. */
  readonly commands: readonly string[]
}

const check = ['mediquo-cdc check']

const texts: { readonly [K in ProblemKind]: (facts: Problem<K>['facts']) => ProblemText } = {
  'writes refused': (facts) => ({
    title: 'PostgreSQL refuses writes of your application',
    detail: refusedWriteDetail(facts),
    ...refusedWriteFix(facts),
  }),
  stuck: ({ reason }) => ({
    title: 'The connector is stuck',
    detail: reason ?? '',
    fix: 'Restart it, which loses nothing, and keep its log: this is a bug.',
    commands: [],
  }),
  'slot being lost': (facts) => slotText('The replication slot is being lost', facts),
  'slot soon lost': (facts) => slotText('The replication slot is about to be lost', facts),
  blocked: ({ reason }) => ({
    title: 'The connector is blocked',
    detail: reason ?? '',
    fix: 'Do what the reason says. The connector checks again every ten seconds, and goes on by itself. No change is lost in the meantime.',
    commands: check,
  }),
  'keys refused': ({ reason }) => ({
    title: 'mediQuo refuses the keys',
    detail: reason ?? '',
    fix: 'Correct the keys; nothing is lost. Keys from files are read again before each trial, keys from variables need a restart. Sending resumes within 30 seconds.',
    commands: check,
  }),
  'every patient refused': ({ reason }) => ({
    title: 'mediQuo refuses every patient alike',
    detail: reason ?? '',
    fix: 'Nothing is lost, and no row is rejected. Find what all patients have in common: an attribute that mediQuo requires, a value that it no longer accepts, a changed mapping. Sending resumes with the first row that is accepted.',
    commands: check,
  }),
  'store not writable': ({ reason }) => ({
    title: 'The checkpoint store cannot be written',
    detail: reason ?? '',
    fix: 'Nothing is lost: no request is sent before the store has noted it, and sending resumes by itself. Check the database of the store: whether it answers, its disk, the rights, the password.',
    commands: check,
  }),
  'store went back': ({ rowsRead, rowsEstimated }) => ({
    title: 'The checkpoint store went back',
    detail: rowsEstimated > 0 ? `${counted(rowsRead, 'row')} of about ${grouped(rowsEstimated)} read` : '',
    fix: 'The connector repairs this by itself: it believes nothing that the store says of mediQuo, and sends every row again. Find out whether the database of the store was restored, or failed over to a standby that lagged.',
    commands: ['mediquo-cdc status'],
  }),
  'database not readable': ({ reason }) => ({
    title: 'The database cannot be read',
    detail: reason ?? '',
    fix: 'Nothing is lost. Restore the right that was revoked, or write the new password where the connector takes it from and restart it. In the meantime changes that need no read are delivered, and the replication slot retains WAL.',
    commands: check,
  }),
  'not ready': ({ reason }) => ({
    title: 'The connector is not ready yet',
    detail: reason ?? '',
    fix: 'It tries again by itself. If that does not help, check names everything that is in the way, and how to fix it.',
    commands: check,
  }),
  'API down': ({ reason }) => ({
    title: 'mediQuo cannot be reached, or fails',
    detail: reason ?? '',
    fix: 'Nothing is lost, and delivery resumes by itself: a trial request is sent at least every 30 seconds. If it lasts, check whether this machine reaches the address (network, proxy, certificate), then ask mediQuo. In the meantime the replication slot retains WAL.',
    commands: check,
  }),
  'success not proven': ({ reason }) => ({
    title: 'mediQuo reports success, and does not show what was sent',
    detail: reason ?? '',
    fix: 'Nothing is lost: such an answer never counts as a delivery. Check whether a proxy or a firewall answers instead of mediQuo (mediquo.baseUrl, HTTPS_PROXY), then ask mediQuo. Trials go out at least every 30 seconds, and delivery resumes with the first patient that is shown.',
    commands: check,
  }),
  'told to wait': ({ reason }) => ({
    title: 'mediQuo asks to wait for a long time',
    detail: reason ?? '',
    fix: 'Nothing is lost, and delivery resumes by itself. Ask mediQuo why it refuses for so long: something else may use up the limit of the key. A restart tries immediately. In the meantime the replication slot retains WAL.',
    commands: check,
  }),
  'unexpected success': ({ reason }) => ({
    title: 'mediQuo reports success in a way that it does not document',
    detail: reason ?? '',
    fix: 'Delivery goes on, at the limit of GET: each patient is read back before it counts as delivered. Ask mediQuo whether the answer of PUT /patients has changed, and update the connector.',
    commands: [],
  }),
  'rate limited': ({ reason }) => ({
    title: 'The rate limit of mediQuo is reached',
    detail: reason ?? '',
    fix: 'Sending pauses for as long as mediQuo asks. If it happens again and again, something else sends with the same key or from the same address: find it, or lower mediquo.requestsPerMinute by what it needs.',
    commands: [],
  }),
  'reads unanswered': ({ reason }) => ({
    title: 'mediQuo does not answer when patients are read back',
    detail: reason === null ? '' : `GET /patients/{code}: ${reason}`,
    fix: 'Changes are delivered all the same. Rows whose code is to be unsubscribed, or whose delivery is in doubt, are noted, and tried again by themselves. Check whether a proxy or a firewall treats GET in another way than PUT, then ask mediQuo.',
    commands: check,
  }),
  standstill: ({ seconds }) => ({
    title: 'Nothing is settled',
    detail: `nothing has been settled for ${seconds} s, although rows wait and mediQuo answers`,
    fix: 'Look in the log for what fails, and fix its cause. If the log says nothing, restart the connector, which loses nothing, and report it with the log.',
    commands: [],
  }),
  'slot will be lost': (facts) => slotText('The replication slot will be lost if this goes on', facts),
  'slot retains WAL': (facts) => slotText('The replication slot retains much WAL', facts),
  'child tables': ({ children, parent }) => ({
    title: 'Rows of child tables are not delivered',
    detail: `the rows of ${children.join(', ')} are neither published nor read: a table that inherits from ${parent} has rows of its own`,
    fix: 'If these are patients to deliver, move them into the table itself, or make it a partitioned table. Otherwise end the inheritance.',
    commands: children.map((child) => `ALTER TABLE ${child} NO INHERIT ${parent};`),
  }),
  'orphaned slot': ({ slot, retainedBytes, dropStatement }) => ({
    title: 'A replication slot is used by nobody',
    detail: `the replication slot ${slot} is used by nobody and retains ${sizeInWords(retainedBytes)} of WAL`,
    fix: 'Drop it if no connector needs it any more.',
    commands: [dropStatement],
  }),
  drift: ({ ratio }) => ({
    title: 'mediQuo has something else than was delivered',
    detail: `${percent(ratio)} of the rows recently read back differ`,
    fix: 'Something else writes to mediQuo, or it lost what it had accepted. verify names what differs, without a value, and sends it again.',
    commands: ['mediquo-cdc verify --all --repair'],
  }),
  'falls behind': ({ secondsToDrain }) => ({
    title: 'Delivery falls behind',
    detail: `sending what waits takes up to ${timeInWords(secondsToDrain)} at the limit`,
    fix: 'If that lasts, more rows change than the limit allows: leave rows or columns out, or ask mediQuo for a higher limit.',
    commands: ['mediquo-cdc status'],
  }),
  'backfill stalled': ({ rowsRead, rowsEstimated }) => ({
    title: 'The backfill makes no progress',
    detail: `nothing was read for a quarter of an hour, after ${counted(rowsRead, 'row')} of about ${counted(rowsEstimated, 'row')}`,
    fix: 'The usual cause is a transaction of the database that has been open since before the replication slot was created: end it. Changes are still delivered.',
    commands: ['mediquo-cdc status'],
  }),
  'shared codes': ({ codes }) => ({
    title: 'Several rows have the same code',
    detail: `${counted(codes, 'code')}: mediQuo has the row that changed last`,
    fix: 'Map code from a column that is unique, or leave the other rows out (source.where).',
    commands: [],
  }),
  'codes respelled': ({ codes, differences, alike }) => ({
    title: 'mediQuo stores codes in another form than they are sent',
    detail: `${counted(codes, 'code')} that were read back differ in ${differences.join(', ')}${alike === 0 ? '' : `; ${grouped(alike)} of them have the form of another row's code: for mediQuo both rows are one patient, that of the row that changed last`}`,
    fix: 'Rows are delivered, and unsubscribed, all the same. Rows whose codes differ only in such a form are one patient at mediQuo: map code from a column that tells them apart, or leave the other rows out (source.where). To end the warning, send codes in the form that mediQuo returns.',
    commands: [],
  }),
  'mapping outdated': ({ rows, deadLetters }) => ({
    title: 'Rows were sent under another mapping',
    detail: `${outdated(rows, 'row')} were sent, and ${outdated(deadLetters, 'dead letter')} rejected, under another mapping than the present one (onMappingChange: wait)`,
    fix: 'mediQuo keeps what it has of a row until the row changes. A backfill reads every row by the present mapping and sends those that differ.',
    commands: ['mediquo-cdc backfill'],
  }),
  'dead letters': ({ rows }) => ({
    title: `${counted(rows, 'row')} rejected`,
    detail: '',
    fix: 'All other rows are delivered. Fix the row in your database, and its next version is sent by itself. If nothing is wrong with the row (the mapping was corrected, or mediQuo was fixed), retry reads it again.',
    commands: ['mediquo-cdc dead-letters list', 'mediquo-cdc dead-letters retry --all'],
  }),
}

/** Renders a problem. Pure. */
export function problemText<Kind extends ProblemKind>({ kind, facts }: Problem<Kind>): ProblemText {
  return texts[kind](facts)
}

function slotText(title: string, facts: SlotFacts): ProblemText {
  return { title, detail: slotDetail(facts), ...slotFix(facts) }
}

function outdated(count: number | null, unit: string): string {
  return count === null ? `an unknown number of ${unit}s` : counted(count, unit)
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`
}
