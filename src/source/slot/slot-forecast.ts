import { growthOf, heldBytes, isInvalidated, type SlotHistory } from './slot-history.ts'

/** Verdicts on the WAL that a slot retains on the customer's disk, from the best to the worst. */
export const slotVerdicts = ['fine', 'holding', 'will be lost', 'soon lost', 'being lost'] as const
export type SlotVerdict = (typeof slotVerdicts)[number]

/** Forecast for a slot if everything goes on as it does now. */
export interface SlotForecast {
  readonly verdict: SlotVerdict
  /** Minimum that the slot retained in the last minute. */
  readonly heldBytes: number
  /** Growth of the retained WAL; negative: it shrinks. Null: not known yet. */
  readonly bytesPerSecond: number | null
  /** Time until the server may remove the slot's WAL; null: that is not to be expected, or not known yet. */
  readonly secondsUntilLost: number | null
  /** Limit that is reached first: `max_slot_wal_keep_size`, or `idle_replication_slot_timeout`. */
  readonly limit: 'size' | 'idle' | null
}

/** Progress of the delivery of the changes that the slot retains. */
export interface Delivery {
  /** Upper bound, at the quota; null: not known. */
  readonly secondsToDrain: number | null
  /** True if nothing keeps changes from being sent. */
  readonly isDelivering: boolean
}

/** Time to a loss beyond which nobody has to act today. */
const daySeconds = 86_400
/** Time that is too short to act. */
const soonSeconds = 600
/** Share of the remaining time for which a cause must have lasted before a loss is forecast. */
const noticedShare = 1 / 60
/** Alarm threshold without `max_slot_wal_keep_size`: then the disk is the limit, and its size is not known. */
const muchBytes = 1024 ** 3

/** Forecasts the slot's future. Pure: time comes with the samples. */
export function forecastSlot(history: SlotHistory, { secondsToDrain, isDelivering }: Delivery): SlotForecast {
  const last = history.samples.at(-1)
  const held = heldBytes(history)
  if (!last || isInvalidated(last))
    return { verdict: 'fine', heldBytes: 0, bytesPerSecond: null, secondsUntilLost: null, limit: null }
  const growth = growthOf(history)
  const bytesPerSecond = growth?.bytesPerSecond ?? null
  const { safeBytes, idle } = last
  const isPast = last.walStatus === 'unreserved' || (safeBytes !== null && safeBytes <= 0)
  const bySize =
    safeBytes === null || bytesPerSecond === null || bytesPerSecond <= 0
      ? null
      : Math.max(0, safeBytes) / bytesPerSecond
  const byIdleness = idle && Math.max(0, idle.timeoutSeconds - idle.seconds)
  const isIdle = byIdleness !== null && !isPast && (bySize === null || byIdleness < bySize)
  const secondsUntilLost = isPast ? 0 : isIdle ? byIdleness : bySize
  const lasted = isIdle ? (idle?.seconds ?? 0) : growth ? (last.atMs - growth.sinceMs) / 1000 : 0
  const known = { heldBytes: held, bytesPerSecond, secondsUntilLost, limit: limitOf(secondsUntilLost, isIdle) }
  return { ...known, verdict: verdict() }

  function verdict(): SlotVerdict {
    // 1. Over the limit: the next checkpoint removes the WAL, unless the slot releases it before.
    if (isPast) return 'being lost'
    if (secondsUntilLost !== null && isForetold(secondsUntilLost)) {
      // 2. Even if the cause is fixed now, sending what waits takes nearly all of the remaining time, or more.
      return secondsUntilLost - (secondsToDrain ?? 0) <= soonSeconds ? 'soon lost' : 'will be lost'
    }
    // 3. No loss is forecast, but a burst of changes would cause one.
    const much = safeBytes === null ? muchBytes : (last?.retainedBytes ?? 0) / 2 + safeBytes / 2
    return held >= much ? 'holding' : 'fine'
  }

  function isForetold(seconds: number): boolean {
    if (seconds > daySeconds) return false
    // A slot that is unused for a moment is normal: half of the timeout must be over.
    if (isIdle) return lasted >= seconds
    const isOutrun = isDelivering && secondsToDrain !== null && secondsToDrain < seconds
    return !isOutrun && lasted >= seconds * noticedShare
  }
}

function limitOf(secondsUntilLost: number | null, isIdle: boolean): SlotForecast['limit'] {
  if (secondsUntilLost === null) return null
  return isIdle ? 'idle' : 'size'
}
