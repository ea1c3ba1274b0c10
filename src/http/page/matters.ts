import { type DeliveryTrouble, stateCannotBeWritten } from '../../model/status/status.ts'
import { backfillStalls } from './backfill-stall.ts'
import type { PageView } from './page-view.ts'
import { counted } from './words.ts'

/** Problem and its fix. */
export interface Matter {
  readonly title: string
  /** Reason from the connector; null: the title says everything. */
  readonly reason: string | null
  readonly fix: string
  /** Commands that help. */
  readonly commands: readonly string[]
  /** Anchor of the paragraph in docs/operations.md. */
  readonly anchor: string
}

const troubles: Readonly<Record<DeliveryTrouble, Omit<Matter, 'reason'>>> = {
  outage: {
    title: 'mediQuo cannot be reached, or fails',
    fix: 'Nothing is lost, and delivery resumes by itself: a trial request leaves at least every 30 seconds. If it lasts, look whether this machine reaches the address (network, proxy, certificate), then ask mediQuo. In the meantime the database keeps what waits: see the replication slot below.',
    commands: ['mediquo-cdc check'],
    anchor: 'alert-api-down',
  },
  halted: {
    title: 'mediQuo refuses the keys',
    fix: 'Nothing is lost. Correct the keys. Keys from files are read again before each trial, keys from variables need a restart. Sending resumes within 30 seconds.',
    commands: ['mediquo-cdc check'],
    anchor: 'alert-keys-refused',
  },
  rejecting: {
    title: 'mediQuo refuses every patient alike',
    fix: 'Nothing is lost, and no row is rejected. Look at what all patients have in common: an attribute that mediQuo asks for, a value that it no longer takes, a mapping that was changed. The first row that is accepted ends it.',
    commands: ['mediquo-cdc check'],
    anchor: 'alert-every-patient-refused',
  },
  'rate limited': {
    title: 'mediQuo says that its limit is reached',
    fix: 'Sending pauses for as long as mediQuo asks. If it comes again and again, something else sends with the same key or from the same address: find it, or lower mediquo.requestsPerMinute by what it needs.',
    commands: [],
    anchor: 'alert-rate-limited',
  },
}

/** Outage of the state's database, as opposed to one of mediQuo. */
const stateOutage: Matter = {
  title: 'The state cannot be written',
  reason: null,
  fix: 'Nothing is lost: no request leaves before the state has noted it, and sending resumes by itself. Look at the database that keeps the state: whether it answers, its disk, the rights, the password.',
  commands: ['mediquo-cdc check'],
  anchor: 'alert-api-down',
}

export type Judged = Pick<
  PageView,
  'status' | 'healthy' | 'trouble' | 'isSlotSoonLost' | 'driftRatio' | 'backfillMark' | 'samples' | 'monotonicMs'
>

/** Time to send what waits, seconds: beyond it, delivery has fallen behind. */
const longSeconds = 600

export function fallsBehind({ status, trouble }: Pick<PageView, 'status' | 'trouble'>): boolean {
  return trouble === null && status.state === 'streaming' && (status.source.secondsToDrain ?? 0) > longSeconds
}

/** Returns the problems, the worst first. Pure. */
export function mattersOf(view: Judged): Matter[] {
  const { status, healthy, trouble, isSlotSoonLost, driftRatio } = view
  const { state, reason, warnings, deadLetters, source } = status
  const matters: Matter[] = []
  if (!healthy) {
    matters.push({
      title: 'It is stuck',
      reason,
      fix: 'Restart it, which loses nothing, and keep its log: this is a bug.',
      commands: [],
      anchor: 'alert-wedged',
    })
  }
  if (state === 'blocked') {
    matters.push({
      title: 'It cannot go on by itself',
      reason,
      fix: 'Do what the reason says. It looks again every ten seconds, and goes on by itself; nothing that was changed in the meantime is lost.',
      commands: ['mediquo-cdc check'],
      anchor: 'alert-blocked',
    })
  }
  if (state === 'starting' && reason !== null) {
    matters.push({
      title: 'It cannot go on yet',
      reason,
      fix: 'It tries again by itself. If that does not help, check says everything that is in the way, and how to fix it.',
      commands: ['mediquo-cdc check'],
      anchor: 'alert-not-ready',
    })
  }
  if (trouble === 'outage' && reason === stateCannotBeWritten) matters.push(stateOutage)
  else if (trouble) matters.push({ ...troubles[trouble], reason })
  for (const warning of warnings) matters.push(warned(warning, source.slot, isSlotSoonLost))
  if (driftRatio > 0) {
    matters.push({
      title: 'mediQuo has something else than was delivered',
      reason: null,
      fix: 'Something else writes to mediQuo, or it lost what it had accepted. verify names what differs, without a value, and sends it again.',
      commands: ['mediquo-cdc verify --all --repair'],
      anchor: 'alert-drift',
    })
  }
  if (fallsBehind({ status, trouble })) {
    matters.push({
      title: 'It falls behind',
      reason: null,
      fix: 'What waits takes over ten minutes to send at the limit. If that lasts, more rows change than the limit takes: leave rows or columns out, or ask mediQuo for a higher limit.',
      commands: ['mediquo-cdc status'],
      anchor: 'alert-falls-behind',
    })
  }
  if (backfillStalls(view)) {
    matters.push({
      title: 'The backfill does not get on',
      reason: null,
      fix: 'Nothing of the table was read for a quarter of an hour. The usual reason is a transaction of the database that has been open since before the replication slot was made: end it. Changes are delivered all the same.',
      commands: ['mediquo-cdc status'],
      anchor: 'alert-backfill-stuck',
    })
  }
  if (deadLetters > 0) {
    matters.push({
      title: `${counted(deadLetters, 'row')} rejected`,
      reason: null,
      fix: 'Everybody else is delivered. Fix the row in your database, and its next version is sent by itself. If nothing is wrong with the row (the mapping was corrected, or mediQuo was fixed), retry reads it again.',
      commands: ['mediquo-cdc dead-letters list', 'mediquo-cdc dead-letters retry --all'],
      anchor: 'alert-dead-letters',
    })
  }
  return matters
}

/** Makes the problem of a warning, whose text contains the fix. */
function warned(warning: string, slot: string, isSlotSoonLost: boolean): Matter {
  const isOfSlot = warning.startsWith(`the replication slot ${slot} `)
  const [, what = warning, fix = ''] = /^(.*?(?:[.;:])) (.*)$/s.exec(warning) ?? []
  return isOfSlot
    ? {
        title: isSlotSoonLost
          ? 'The replication slot is about to be lost'
          : 'The replication slot holds much of the disk',
        reason: what,
        fix,
        commands: [],
        anchor: isSlotSoonLost ? 'alert-slot-soon-lost' : 'alert-slot-holds-wal',
      }
    : { title: 'A warning', reason: null, fix: warning, commands: [], anchor: 'what-to-do-when' }
}
