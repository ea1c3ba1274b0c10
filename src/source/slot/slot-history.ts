import type { SlotHealth } from './slot-health.ts'

/** Health of the slot at one time of a monotonic clock. */
export interface SlotSample extends SlotHealth {
  readonly atMs: number
}

/** Recent samples of a slot, oldest first. */
export interface SlotHistory {
  readonly samples: readonly SlotSample[]
  /** Time when the unchanged confirmed position was first seen to be behind; null: it keeps up, or moves. */
  readonly behindSinceMs: number | null
}

export const noHistory: SlotHistory = { samples: [], behindSinceMs: null }

const windowMs = 300_000
/** Time without a new confirmation, though there was WAL to confirm, after which the slot counts as standing still. */
const standstillMs = 10_000
/** Minimum time span for a trend: while positions are confirmed, the retained WAL rises and falls in steps. */
const minSpanMs = 60_000

/** Adds a sample. Another server, a recreated slot, and a slot that released most of its WAL start a new history. Pure. */
export function followed(history: SlotHistory, sample: SlotSample): SlotHistory {
  const last = history.samples.at(-1)
  const newHistory: SlotHistory = { samples: [sample], behindSinceMs: null }
  if (last?.systemIdentifier !== sample.systemIdentifier || last.timeline !== sample.timeline) return newHistory
  if (sample.currentLsn < last.currentLsn || isInvalidated(sample)) return newHistory
  // The growth of WAL that has been released says nothing about the growth to come.
  const peakBytes = Math.max(...history.samples.map(({ retainedBytes }) => retainedBytes))
  if (sample.retainedBytes < peakBytes / 2) return newHistory
  const samples = [...history.samples.filter(({ atMs }) => sample.atMs - atMs <= windowMs), sample]
  const confirmed = sample.confirmedFlushLsn
  const stays = confirmed !== null && confirmed === last.confirmedFlushLsn && confirmed < last.currentLsn
  return { samples, behindSinceMs: stays ? (history.behindSinceMs ?? last.atMs) : null }
}

/** Returns the growth of the retained WAL, and since when it has been observed. Null: not known yet. Pure. */
export function growthOf(history: SlotHistory): { readonly bytesPerSecond: number; readonly sinceMs: number } | null {
  const { samples, behindSinceMs } = history
  const last = samples.at(-1)
  const first = samples[0]
  if (!first || !last) return null
  // 1. Without confirmations the slot releases nothing: it retains all WAL that the server writes.
  if (behindSinceMs !== null && stoodStill(history, last.atMs)) {
    const from = samples.find(({ atMs }) => atMs >= behindSinceMs) ?? first
    return { bytesPerSecond: perSecond(Number(last.currentLsn - from.currentLsn), last, from), sinceMs: behindSinceMs }
  }
  if (last.atMs - first.atMs < minSpanMs) return null
  // 2. With confirmations it releases WAL in steps: compare the lowest points of the two halves.
  const middle = (first.atMs + last.atMs) / 2
  const before = lowest(samples.filter(({ atMs }) => atMs < middle))
  const after = lowest(samples.filter(({ atMs }) => atMs >= middle))
  if (!before || !after) return null
  return { bytesPerSecond: perSecond(after.retainedBytes - before.retainedBytes, after, before), sinceMs: first.atMs }
}

/** Returns the minimum that the slot retained in the last minute; more than that is temporary. Pure. */
export function heldBytes({ samples }: SlotHistory): number {
  const last = samples.at(-1)
  const recent = samples.filter(({ atMs }) => last !== undefined && last.atMs - atMs <= minSpanMs)
  return lowest(recent)?.retainedBytes ?? 0
}

/** Returns true if the slot is invalidated or gone, so that it retains no WAL. */
export function isInvalidated({ walStatus }: Pick<SlotSample, 'walStatus'>): boolean {
  return walStatus === 'lost' || walStatus === 'missing'
}

function stoodStill({ behindSinceMs }: SlotHistory, atMs: number): boolean {
  return behindSinceMs !== null && atMs - behindSinceMs >= standstillMs
}

function lowest(samples: readonly SlotSample[]): SlotSample | undefined {
  return samples.reduce<SlotSample | undefined>(
    (low, sample) => (low === undefined || sample.retainedBytes < low.retainedBytes ? sample : low),
    undefined,
  )
}

function perSecond(bytes: number, to: SlotSample, from: SlotSample): number {
  return to.atMs === from.atMs ? 0 : (bytes / (to.atMs - from.atMs)) * 1000
}
