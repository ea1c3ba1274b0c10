import { sizeInWords, timeInWords } from '../model/quantity.ts'
import type { SlotForecast, SlotVerdict } from '../source/slot/slot-forecast.ts'
import type { SlotHealth } from '../source/slot/slot-health.ts'

/** Facts of a warning about the slot. */
export interface SlotSituation {
  readonly slot: string
  readonly forecast: SlotForecast
  readonly health: SlotHealth
  readonly secondsToDrain: number | null
  /** Reason why nothing is delivered; null: there is none. */
  readonly reason: string | null
  readonly onSlotLost: 'backfill' | 'stop'
}

/** Log messages for the verdicts. */
export const slotSayings: Readonly<Record<SlotVerdict, string>> = {
  fine: 'the replication slot is out of danger',
  holding: 'the replication slot holds much WAL',
  'will be lost': 'the replication slot will be lost if this goes on',
  'soon lost': 'the replication slot will soon be lost',
  'being lost': 'the replication slot is over its limit, and lost with the next checkpoint of the server',
}

/** Returns the warning for a person, with the figures, the consequence and the fix. Pure. */
export function slotWarning(verdict: SlotVerdict, situation: SlotSituation): string {
  const { slot, forecast, health, secondsToDrain } = situation
  const held = `the replication slot ${slot} holds ${sizeInWords(health.retainedBytes)} of WAL`
  const left = forecast.secondsUntilLost
  const when = left === null ? '' : left <= 0 ? ', all that it may' : ` and will be lost in ${timeInWords(left)}`
  const drain = secondsToDrain === null ? '' : `; to send what waits takes at most ${timeInWords(secondsToDrain)}`
  return `${held}${verdict === 'holding' ? '' : when}${drain}. ${slotFix(situation)}`
}

/** Returns the fix with its statement, and the consequence of doing nothing. Pure. */
export function slotFix({ forecast, health, reason, onSlotLost }: SlotSituation): string {
  const loss = onSlotLost === 'backfill' ? 'the table is read again' : 'it is blocked until "mediquo-cdc adopt"'
  if (forecast.limit === 'idle') {
    return `Let the connector use it${because(reason)}, or ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf(); once it is lost, ${loss}`
  }
  // The slot retains WAL although most of it is confirmed: only an old open transaction causes that.
  const remedy =
    health.lagBytes < health.retainedBytes / 2
      ? 'End the transaction that has been open for so long (SELECT pid, xact_start, state FROM pg_stat_activity WHERE backend_xid IS NOT NULL ORDER BY xact_start)'
      : `Fix what keeps changes from being delivered${because(reason)}`
  if (health.safeBytes === null) {
    return `${remedy}, and see that the disk has room: ALTER SYSTEM SET max_slot_wal_keep_size = '…'; SELECT pg_reload_conf(); bounds what is held, and past it ${loss}`
  }
  return `${remedy}, or give it more: ALTER SYSTEM SET max_slot_wal_keep_size = '${doubled(health)}'; SELECT pg_reload_conf(); once it is lost, ${loss}`
}

function because(reason: string | null): string {
  return reason === null ? '' : ` (${reason})`
}

/** Returns twice the WAL that the slot may retain now, in megabytes, the setting's unit. */
function doubled({ retainedBytes, safeBytes }: SlotHealth): string {
  return `${Math.max(1, Math.ceil((2 * (retainedBytes + (safeBytes ?? 0))) / 1024 ** 2))}MB`
}
