import { type SlotVerdict, slotVerdicts } from '../source/slot/slot-forecast.ts'

/** Verdict on the slot that is shown. */
export interface SlotAlarm {
  readonly verdict: SlotVerdict
  /** Time since which the slot looks better than shown; null: it does not. */
  readonly betterSinceMs: number | null
}

export const noAlarm: SlotAlarm = { verdict: 'fine', betterSinceMs: null }

/** Time for which the slot must look better before that is shown. */
const calmMs = 30_000

/** Returns the verdict to show: a worse one immediately, a better one once it has lasted a while. Pure. */
export function nextAlarm(shown: SlotAlarm, verdict: SlotVerdict, nowMs: number): SlotAlarm {
  const rise = slotVerdicts.indexOf(verdict) - slotVerdicts.indexOf(shown.verdict)
  if (rise >= 0) return { verdict, betterSinceMs: null }
  const betterSinceMs = shown.betterSinceMs ?? nowMs
  return nowMs - betterSinceMs < calmMs ? { ...shown, betterSinceMs } : { verdict, betterSinceMs: null }
}
