import { growthOf, heldBytes, isTaken, type SlotTrail } from './slot-trail.ts'

/** How it stands with a slot's hold on the customer's disk, from the best to the worst. */
export const slotVerdicts = ['fine', 'holding', 'will be lost', 'soon lost', 'being lost'] as const
export type SlotVerdict = (typeof slotVerdicts)[number]

/** What is to be expected of a slot if everything goes on as it does now. */
export interface SlotForecast {
  readonly verdict: SlotVerdict
  /** The least that was held in the last minute. */
  readonly heldBytes: number
  /** Negative: it comes to hold less. Null: not known yet. */
  readonly bytesPerSecond: number | null
  /** Until the server may take its WAL; null: that is not to be expected, or not known yet. */
  readonly secondsUntilLost: number | null
  /** Which limit comes first: `max_slot_wal_keep_size`, or `idle_replication_slot_timeout`. */
  readonly limit: 'size' | 'idle' | null
}

/** What else is known of the changes that the slot holds. */
export interface Delivery {
  /** At the quota, at most; null: not known. */
  readonly secondsToDrain: number | null
  /** Nothing keeps changes from being sent. */
  readonly isDelivering: boolean
}

/** Past this nobody has to act today. */
const daySeconds = 86_400
/** Less time than this to act in. */
const soonSeconds = 600
/** A loss is foretold once what leads to it has gone on for this part of the time that is left. */
const noticedShare = 1 / 60
/** Without a limit, the disk is one, and its size is not known. */
const muchBytes = 1024 ** 3

/** What becomes of the slot. Pure: time comes with the trail. */
export function forecastSlot(trail: SlotTrail, { secondsToDrain, isDelivering }: Delivery): SlotForecast {
  const last = trail.samples.at(-1)
  const held = heldBytes(trail)
  if (!last || isTaken(last))
    return { verdict: 'fine', heldBytes: 0, bytesPerSecond: null, secondsUntilLost: null, limit: null }
  const growth = growthOf(trail)
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
    // 1. Over the limit: the next checkpoint takes it, unless it releases WAL before.
    if (isPast) return 'being lost'
    if (secondsUntilLost !== null && isForetold(secondsUntilLost)) {
      // 2. Even if it is fixed now, little or nothing is left of the time that it then takes.
      return secondsUntilLost - (secondsToDrain ?? 0) <= soonSeconds ? 'soon lost' : 'will be lost'
    }
    // 3. Nothing is foretold, and a burst would do it.
    const much = safeBytes === null ? muchBytes : (last?.retainedBytes ?? 0) / 2 + safeBytes / 2
    return held >= much ? 'holding' : 'fine'
  }

  function isForetold(seconds: number): boolean {
    if (seconds > daySeconds) return false
    // A slot that nobody uses for a moment is no news: half of the time must be over.
    if (isIdle) return lasted >= seconds
    const isOutrun = isDelivering && secondsToDrain !== null && secondsToDrain < seconds
    return !isOutrun && lasted >= seconds * noticedShare
  }
}

function limitOf(secondsUntilLost: number | null, isIdle: boolean): SlotForecast['limit'] {
  if (secondsUntilLost === null) return null
  return isIdle ? 'idle' : 'size'
}
