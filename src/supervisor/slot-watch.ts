import { knownSlots } from '../checkpoint/store/known-slots.ts'
import { sizeInWords } from '../model/quantity.ts'
import type { ConnectorState } from '../model/status/status.ts'
import { isStreaming } from '../model/status/status.ts'
import { type LeftSlot, readLeftSlots } from '../source/slot/left-slots.ts'
import { forecastSlot, type SlotForecast } from '../source/slot/slot-forecast.ts'
import type { SlotHealth } from '../source/slot/slot-health.ts'
import { followed, isInvalidated, noHistory } from '../source/slot/slot-history.ts'
import type { Resources } from '../startup/resources.ts'
import { type DrainedPipeline, StreamDensity, secondsToDrain, undelivered } from './drain-time.ts'
import { announce, nothingAnnounced } from './slot-announcement.ts'
import { type SlotSituation, slotFix, slotSayings, slotWarning } from './slot-warning.ts'

/** Part of the board that shows how delivery goes. */
export interface DeliveryBoard {
  readonly state: ConnectorState
  readonly reason: string | null
  readonly pipeline: DrainedPipeline | null
}

const leftEveryMs = 300_000

/** Retained WAL of the slot and its forecast, for the status, the metrics and the log. */
export type SlotWatch = ReturnType<typeof createSlotWatch>

type Tools = Pick<Resources, 'settings' | 'logger' | 'metrics' | 'clocks' | 'sourcePool' | 'state'>

/**
 * Watches the WAL that the slot retains on the customer's disk, and warns before the slot is lost. Also finds slots of ours that nobody
 * uses.
 */
export function createSlotWatch(tools: Tools, board: DeliveryBoard) {
  const { settings, logger, metrics, clocks } = tools
  const { slot, onSlotLost } = settings.source
  const density = new StreamDensity()
  let trail = noHistory
  let said = nothingAnnounced
  let situation: SlotSituation | null = null
  let left: readonly LeftSlot[] = []
  let lookedAtMs: number | null = null

  /** Records a new sample of the slot. */
  function seen(health: SlotHealth): void {
    const atMs = clocks.monotonicMs()
    trail = followed(trail, { ...health, atMs })
    const { pipeline, state } = board
    const { insert, update, delete: deleted } = metrics.received
    if (pipeline) density.look(pipeline, insert + update + deleted)
    const trouble = board.reason ?? pipeline?.view().trouble?.reason ?? null
    // The rows that another instance has received are not known here.
    const waiting = state === 'standby' ? null : undelivered(pipeline, health)
    const drain = secondsToDrain(waiting, density.rowsPerByte, settings.mediquo)
    const forecast = forecastSlot(trail, {
      secondsToDrain: drain,
      isDelivering: isStreaming(state) && trouble === null,
    })
    situation = { slot, forecast, health, secondsToDrain: drain, reason: trouble, onSlotLost }
    tell(situation, atMs)
  }

  function tell(now: SlotSituation, atMs: number): void {
    // A lost slot is reported by the code that notices it. A slot in use is reported by the instance that uses it.
    const isOthers = board.state === 'standby' && now.forecast.limit !== 'idle'
    if (isInvalidated(now.health) || isOthers) {
      said = nothingAnnounced
      return
    }
    const { say, announced } = announce(said, now.forecast, atMs)
    said = announced
    if (!say) return
    const { verdict } = announced
    if (verdict === 'fine') logger.info({ slot, retainedBytes: now.health.retainedBytes }, slotSayings.fine)
    else logger[levels[verdict]]({ slot, ...figures(now), fix: slotFix(now) }, slotSayings[verdict])
  }

  return {
    seen,
    /** Looks for leftover slots, at most every few minutes. */
    async lookForLeft(): Promise<void> {
      const nowMs = clocks.monotonicMs()
      if (lookedAtMs !== null && nowMs - lookedAtMs < leftEveryMs) return
      lookedAtMs = nowMs
      const before = new Set(left.map((one) => one.slot))
      left = await leftSlots(tools)
      for (const { slot: name, retainedBytes, fix } of left.filter((one) => !before.has(one.slot)))
        logger.warn({ slot: name, retainedBytes, fix }, 'a replication slot of ours is used by nobody')
    },
    get forecast(): SlotForecast | null {
      return situation?.forecast ?? null
    },
    get secondsToDrain(): number | null {
      return situation?.secondsToDrain ?? null
    },
    /** True if the last announcement was that the slot will soon be lost or is being lost. */
    get isSoonLost(): boolean {
      return said.verdict === 'soon lost' || said.verdict === 'being lost'
    },
    /** Warnings, one sentence each, with the fix. */
    get warnings(): string[] {
      const own = situation && said.verdict !== 'fine' ? [slotWarning(said.verdict, situation)] : []
      return [...own, ...left.map((one) => `${describeLeftSlot(one)}; if no connector needs it any more: ${one.fix}`)]
    },
  }
}

/** Returns unused slots that look like ours. One can belong to another table, whose connector is stopped. */
export async function leftSlots({
  settings,
  sourcePool,
  state,
}: Pick<Tools, 'settings' | 'sourcePool' | 'state'>): Promise<LeftSlot[]> {
  // Ignore a state that cannot be read or does not exist yet.
  const known = await knownSlots(state.db).catch(() => [])
  return await readLeftSlots(sourcePool, { inUse: settings.source.slot, known })
}

/** Describes a leftover slot in one sentence, without the statement. */
export function describeLeftSlot({ slot, retainedBytes }: LeftSlot): string {
  return `the replication slot ${slot} is used by nobody and holds ${sizeInWords(retainedBytes)} of WAL`
}

const levels = { holding: 'warn', 'will be lost': 'warn', 'soon lost': 'error', 'being lost': 'error' } as const

function figures({ forecast, health, secondsToDrain: drain }: SlotSituation) {
  return {
    retainedBytes: health.retainedBytes,
    safeBytes: health.safeBytes,
    bytesPerSecond: rounded(forecast.bytesPerSecond),
    secondsUntilLost: rounded(forecast.secondsUntilLost),
    secondsToDrain: drain,
  }
}

function rounded(figure: number | null): number | null {
  return figure === null ? null : Math.round(figure)
}
