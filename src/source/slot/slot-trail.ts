import type { SlotHealth } from './slot-health.ts'

/** A look at the slot, on a clock that only goes forward. */
export interface SlotSample extends SlotHealth {
  readonly atMs: number
}

/** What has been seen of a slot lately, oldest first. */
export interface SlotTrail {
  readonly samples: readonly SlotSample[]
  /** When the position that is still confirmed was first seen to be behind; null: it keeps up, or moves. */
  readonly behindSinceMs: number | null
}

export const noTrail: SlotTrail = { samples: [], behindSinceMs: null }

const windowMs = 300_000
/** Nothing was confirmed for so long, though there was something to confirm: it stands still. */
const standstillMs = 10_000
/** While positions are confirmed, what is held rises and falls in steps; less than this says nothing of where it goes. */
const leastSpanMs = 60_000

/** The trail with one more look. Another server, a slot that was recreated, and one that released most of its WAL begin a new one. Pure. */
export function followed(trail: SlotTrail, sample: SlotSample): SlotTrail {
  const last = trail.samples.at(-1)
  const newTrail: SlotTrail = { samples: [sample], behindSinceMs: null }
  if (last?.systemIdentifier !== sample.systemIdentifier || last.timeline !== sample.timeline) return newTrail
  if (sample.currentLsn < last.currentLsn || isTaken(sample)) return newTrail
  // How the WAL that it has released grew says nothing about the WAL to come.
  const peakBytes = Math.max(...trail.samples.map(({ retainedBytes }) => retainedBytes))
  if (sample.retainedBytes < peakBytes / 2) return newTrail
  const samples = [...trail.samples.filter(({ atMs }) => sample.atMs - atMs <= windowMs), sample]
  const confirmed = sample.confirmedFlushLsn
  const stays = confirmed !== null && confirmed === last.confirmedFlushLsn && confirmed < last.currentLsn
  return { samples, behindSinceMs: stays ? (trail.behindSinceMs ?? last.atMs) : null }
}

/** By how much the slot comes to hold more, and since when that has been watched. Null: not known yet. Pure. */
export function growthOf(trail: SlotTrail): { readonly bytesPerSecond: number; readonly sinceMs: number } | null {
  const { samples, behindSinceMs } = trail
  const last = samples.at(-1)
  const first = samples[0]
  if (!first || !last) return null
  // 1. Without a confirmation the slot releases nothing: all that the server writes is held.
  if (behindSinceMs !== null && stoodStill(trail, last.atMs)) {
    const from = samples.find(({ atMs }) => atMs >= behindSinceMs) ?? first
    return { bytesPerSecond: perSecond(Number(last.currentLsn - from.currentLsn), last, from), sinceMs: behindSinceMs }
  }
  if (last.atMs - first.atMs < leastSpanMs) return null
  // 2. With them, it releases WAL in steps: the lowest point of the first half against that of the second.
  const middle = (first.atMs + last.atMs) / 2
  const before = lowest(samples.filter(({ atMs }) => atMs < middle))
  const after = lowest(samples.filter(({ atMs }) => atMs >= middle))
  if (!before || !after) return null
  return { bytesPerSecond: perSecond(after.retainedBytes - before.retainedBytes, after, before), sinceMs: first.atMs }
}

/** The least that was held in the last minute: what lies above it comes and goes. Pure. */
export function heldBytes({ samples }: SlotTrail): number {
  const last = samples.at(-1)
  const recent = samples.filter(({ atMs }) => last !== undefined && last.atMs - atMs <= leastSpanMs)
  return lowest(recent)?.retainedBytes ?? 0
}

/** Its WAL is gone: it holds nothing any more. */
export function isTaken({ walStatus }: Pick<SlotSample, 'walStatus'>): boolean {
  return walStatus === 'lost' || walStatus === 'missing'
}

function stoodStill({ behindSinceMs }: SlotTrail, atMs: number): boolean {
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
