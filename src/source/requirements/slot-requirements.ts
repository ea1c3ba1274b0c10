import { sizeInWords } from '../../model/quantity.ts'
import { settingFix } from '../managed-service.ts'
import { isSlotOfAnother } from '../slot/free-slot-name.ts'
import type { SourceFacts } from '../source-facts.ts'
import { quoteLiteral } from '../sql-names.ts'
import type { Wanted } from '../wanted.ts'
import { type Finding, requirement, warning } from './finding.ts'

/** Minimum of `max_slot_wal_keep_size`. Many servers write less WAL within minutes, so that a restart could lose the slot. */
const minKeepBytes = 2 ** 30
/** Minimum of `idle_replication_slot_timeout`, seconds: a night without the connector must not cost the slot. */
const minIdleSeconds = 12 * 3_600
/** Minimum of `wal_sender_timeout`, milliseconds: below it, a busy machine alone ends a connection. */
const minSenderTimeoutMs = 5_000

/** Requirement that is not met if the slot belongs to another database or plugin. */
export const ownSlot = 'the replication slot'

/** Judges the slot, the WAL that it may retain, and the process that reads it. Pure. */
export function judgeSlot(facts: SourceFacts, wanted: Wanted): Finding[] {
  return [...ofTheSlot(facts, wanted), freeSender(facts), ...ofItsLimits(facts)]
}

function ofTheSlot(facts: SourceFacts, wanted: Wanted): Finding[] {
  const { slot, freeSlots, service } = facts
  if (!slot) {
    return [
      requirement({
        requirement: 'a free replication slot',
        met: freeSlots > 0,
        found: `${freeSlots} replication slots are free`,
        fix: `${settingFix(service, 'max_replication_slots', 'one more')} then restart the server`,
      }),
    ]
  }
  const lost = slot.walStatus === 'lost'
  const renewed = lost && wanted.onSlotLost === 'backfill'
  return [
    requirement({
      requirement: ownSlot,
      met: !isSlotOfAnother(facts),
      found: `${wanted.slot} exists`,
      lacking: `${wanted.slot} is of ${slot.plugin || 'physical replication'} in database ${slot.database || 'none'}`,
      fix: 'set source.slot to a name of its own',
    }),
    requirement({
      requirement: 'the slot has its WAL',
      met: !lost || renewed,
      found: renewed
        ? 'its WAL is lost: the slot will be recreated, and the table read'
        : `its WAL is ${slot.walStatus ?? 'unknown'}`,
      fix: `SELECT pg_drop_replication_slot(${quoteLiteral(wanted.slot)}); then start again`,
    }),
  ]
}

function freeSender({ freeSenders, slot, service }: SourceFacts): Finding {
  return requirement({
    requirement: 'a free WAL sender',
    met: freeSenders > 0 || slot?.active === true,
    found: `${freeSenders} WAL senders are free`,
    fix: `${settingFix(service, 'max_wal_senders', 'one more')} then restart the server`,
  })
}

function ofItsLimits({ keepBytes, idleTimeoutSeconds, walSenderTimeoutMs, service }: SourceFacts): Finding[] {
  const findings = [
    warning({
      requirement: 'what a slot may hold is bounded',
      met: keepBytes !== null && keepBytes >= minKeepBytes,
      found: `max_slot_wal_keep_size is ${sizeInWords(keepBytes ?? 0)}`,
      lacking:
        keepBytes === null
          ? 'max_slot_wal_keep_size is unlimited: while nothing is delivered, WAL is kept until the disk is full'
          : `max_slot_wal_keep_size is ${sizeInWords(keepBytes)}: a short outage loses the slot, and the table is read again`,
      fix: settingFix(
        service,
        'max_slot_wal_keep_size',
        keepBytes === null ? '(half of the free disk)' : '(1GB or more)',
      ),
    }),
    warning({
      requirement: 'dead connections are noticed',
      met: walSenderTimeoutMs >= minSenderTimeoutMs,
      found: `wal_sender_timeout is ${walSenderTimeoutMs / 1_000} s`,
      lacking:
        walSenderTimeoutMs === 0
          ? 'wal_sender_timeout is 0: after a broken connection the server holds the slot for the dead one'
          : `wal_sender_timeout is ${walSenderTimeoutMs / 1_000} s: a busy moment ends the connection`,
      fix: settingFix(service, 'wal_sender_timeout', '60s'),
    }),
  ]
  if (idleTimeoutSeconds !== null) {
    findings.push(
      warning({
        requirement: 'an idle slot is kept',
        met: idleTimeoutSeconds === 0 || idleTimeoutSeconds >= minIdleSeconds,
        found: 'idle_replication_slot_timeout leaves time for an outage',
        lacking: `idle_replication_slot_timeout is ${idleTimeoutSeconds} s: an outage as long loses the slot`,
        fix: settingFix(service, 'idle_replication_slot_timeout', '(0, or a day or more)'),
      }),
    )
  }
  return findings
}
