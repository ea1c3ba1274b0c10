import { knownSlots } from '../checkpoint/store/known-slots.ts'
import type { SlotFacts } from '../model/problem/problem.ts'
import type { ConnectorState } from '../model/status/status.ts'
import { isStreaming } from '../model/status/status.ts'
import { type LeftSlot, readLeftSlots } from '../source/slot/left-slots.ts'
import { forecastSlot, type SlotForecast, type SlotVerdict } from '../source/slot/slot-forecast.ts'
import type { SlotHealth } from '../source/slot/slot-health.ts'
import { followed, isInvalidated, noHistory } from '../source/slot/slot-history.ts'
import type { Resources } from '../startup/resources.ts'
import { type DrainedPipeline, StreamDensity, secondsToDrain, undelivered } from './drain-time.ts'
import { nextAlarm, noAlarm } from './slot-alarm.ts'

/** Part of the board that shows how delivery goes. */
export interface DeliveryBoard {
  readonly state: ConnectorState
  readonly reason: string | null
  readonly pipeline: DrainedPipeline | null
}

interface Situation {
  readonly forecast: SlotForecast
  readonly facts: SlotFacts
}

const leftEveryMs = 300_000

/** Retained WAL of the slot and its forecast, for the status, the metrics and the problems. */
export type SlotWatch = ReturnType<typeof createSlotWatch>

type Tools = Pick<Resources, 'settings' | 'source' | 'state' | 'telemetry' | 'runtime'>

/**
 * Watches the WAL that the slot retains on the customer's disk, and forecasts when the slot is lost. Also finds slots of ours that nobody
 * uses.
 */
export function createSlotWatch(tools: Tools, board: DeliveryBoard) {
  const { settings } = tools
  const { metrics } = tools.telemetry
  const { clocks } = tools.runtime
  const { slot, onSlotLost } = settings.source
  const density = new StreamDensity()
  let history = noHistory
  let alarm = noAlarm
  let situation: Situation | null = null
  let left: readonly LeftSlot[] = []
  let lookedAtMs: number | null = null

  /** Records a new sample of the slot. */
  function seen(health: SlotHealth): void {
    const atMs = clocks.monotonicMs()
    history = followed(history, { ...health, atMs })
    const { pipeline, state } = board
    const { insert, update, delete: deleted } = metrics.received
    if (pipeline) density.look(pipeline, insert + update + deleted)
    const trouble = board.reason ?? pipeline?.view().trouble?.reason ?? null
    // The rows that another instance has received are not known here.
    const waiting = state === 'standby' ? null : undelivered(pipeline, health)
    const drain = secondsToDrain(waiting, density.rowsPerByte, settings.mediquo.limits)
    const forecast = forecastSlot(history, {
      secondsToDrain: drain,
      isDelivering: isStreaming(state) && trouble === null,
    })
    situation = {
      forecast,
      facts: { slot, onSlotLost, reason: trouble, secondsToDrain: drain, ...figures(health, forecast) },
    }
    judge(health, forecast, atMs)
  }

  function judge(health: SlotHealth, forecast: SlotForecast, atMs: number): void {
    // A lost slot is reported by the code that notices it. A slot in use is reported by the instance that uses it.
    const isOthers = board.state === 'standby' && forecast.limit !== 'idle'
    alarm = isInvalidated(health) || isOthers ? noAlarm : nextAlarm(alarm, forecast.verdict, atMs)
  }

  return {
    seen,
    /** Looks for leftover slots, at most every few minutes. */
    async lookForLeft(): Promise<void> {
      const nowMs = clocks.monotonicMs()
      if (lookedAtMs !== null && nowMs - lookedAtMs < leftEveryMs) return
      lookedAtMs = nowMs
      left = await leftSlots(tools)
    },
    get forecast(): SlotForecast | null {
      return situation?.forecast ?? null
    },
    get secondsToDrain(): number | null {
      return situation?.facts.secondsToDrain ?? null
    },
    /** Verdict on the slot, and its facts; null: not known yet. */
    get situation(): { readonly verdict: SlotVerdict; readonly facts: SlotFacts } | null {
      return situation && { verdict: alarm.verdict, facts: situation.facts }
    },
    /** Slots of ours that nobody uses. */
    get leftSlots(): readonly LeftSlot[] {
      return left
    },
  }
}

/** Returns unused slots that look like ours. One can belong to another table, whose connector is stopped. */
export async function leftSlots({
  settings,
  source,
  state,
}: Pick<Tools, 'settings' | 'source' | 'state'>): Promise<LeftSlot[]> {
  // Ignore a state that cannot be read or does not exist yet.
  const known = await knownSlots(state.db).catch(() => [])
  return await readLeftSlots(source.pool, { inUse: settings.source.slot, known })
}

function figures({ retainedBytes, lagBytes, safeBytes }: SlotHealth, forecast: SlotForecast) {
  return {
    retainedBytes,
    lagBytes,
    safeBytes,
    bytesPerSecond: rounded(forecast.bytesPerSecond),
    secondsUntilLost: rounded(forecast.secondsUntilLost),
    limit: forecast.limit,
  }
}

function rounded(figure: number | null): number | null {
  return figure === null ? null : Math.round(figure)
}
