import { type SlotForecast, type SlotVerdict, slotVerdicts } from '../source/slot/slot-forecast.ts'

/** Last announcement about the slot. */
export interface Announced {
  readonly verdict: SlotVerdict
  readonly atMs: number
  readonly secondsUntilLost: number | null
  readonly heldBytes: number
  /** Time since which the slot looks better than announced; null: it does not. */
  readonly betterSinceMs: number | null
}

export const nothingAnnounced: Announced = {
  verdict: 'fine',
  atMs: 0,
  secondsUntilLost: null,
  heldBytes: 0,
  betterSinceMs: null,
}

/** Time for which the slot must look better before that is announced. */
const calmMs = 30_000
const sayAgainMs = 3_600_000

/**
 * Decides whether to announce the slot's situation. It announces a worse verdict immediately; it repeats one when the remaining time has
 * halved, twice as much WAL is retained, or an hour has passed; and it announces that the slot is fine once that has lasted a while. Pure.
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
