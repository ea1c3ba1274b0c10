import { type SlotForecast, type SlotVerdict, slotVerdicts } from '../source/slot/slot-forecast.ts'

/** What was last said of the slot. */
export interface Announced {
  readonly verdict: SlotVerdict
  readonly atMs: number
  readonly secondsUntilLost: number | null
  readonly heldBytes: number
  /** Since when it looks better than that; null: it does not. */
  readonly betterSinceMs: number | null
}

export const nothingAnnounced: Announced = {
  verdict: 'fine',
  atMs: 0,
  secondsUntilLost: null,
  heldBytes: 0,
  betterSinceMs: null,
}

/** It must look better for so long before it is believed. */
const calmMs = 30_000
const sayAgainMs = 3_600_000

/**
 * Whether something is to be said, and what then counts as said: as soon as it looks worse, again when half of the time has
 * passed, twice as much is held, or an hour is over; and that it is fine again once it has been for a while. Pure.
 */
export function announce(
  said: Announced,
  now: Pick<SlotForecast, 'verdict' | 'secondsUntilLost' | 'heldBytes'>,
  nowMs: number,
): { readonly say: boolean; readonly announced: Announced } {
  const { verdict, secondsUntilLost, heldBytes } = now
  const fresh: Announced = { verdict, secondsUntilLost, heldBytes, atMs: nowMs, betterSinceMs: null }
  const rise = slotVerdicts.indexOf(verdict) - slotVerdicts.indexOf(said.verdict)
  if (rise > 0) return { say: true, announced: fresh }
  if (rise === 0) {
    const isDue = verdict !== 'fine' && (isWorse(said, now) || nowMs - said.atMs >= sayAgainMs)
    return isDue ? { say: true, announced: fresh } : { say: false, announced: { ...said, betterSinceMs: null } }
  }
  const betterSinceMs = said.betterSinceMs ?? nowMs
  if (nowMs - betterSinceMs < calmMs) return { say: false, announced: { ...said, betterSinceMs } }
  return { say: verdict === 'fine', announced: fresh }
}

function isWorse(said: Announced, now: Pick<SlotForecast, 'secondsUntilLost' | 'heldBytes'>): boolean {
  const { secondsUntilLost } = now
  if (secondsUntilLost === null) return now.heldBytes >= said.heldBytes * 2
  return secondsUntilLost > 0 && said.secondsUntilLost !== null && secondsUntilLost <= said.secondsUntilLost / 2
}
