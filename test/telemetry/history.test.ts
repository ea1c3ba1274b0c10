import { expect, test } from 'vitest'
import { historyMs, sampleEveryMs } from '../../src/model/status/sample.ts'
import { History } from '../../src/telemetry/history.ts'
import { RecentDurations } from '../../src/telemetry/recent-durations.ts'

const sample = (atMs: number) => ({ atMs, lagBytes: 0, requestsLastMinute: 0, backfillMark: 0, delivery: null })

test('the history keeps an hour', () => {
  const history = new History()
  const count = 2 * (historyMs / sampleEveryMs)
  for (let at = 0; at < count; at++) history.add(sample(at * sampleEveryMs))
  const nowMs = count * sampleEveryMs
  expect(history.since(nowMs)).toHaveLength(historyMs / sampleEveryMs - 1)
  // The machine was suspended.
  expect(history.since(nowMs + historyMs)).toEqual([])
})

test('p50 and p95 are at most a tenth too high, and the durations are discarded then', () => {
  const durations = new RecentDurations()
  expect(durations.take()).toBeNull()
  for (let ms = 1; ms <= 1_000; ms++) durations.observe(ms / 1_000)
  const { halfWithin = 0, mostWithin = 0 } = durations.take() ?? {}
  expect([halfWithin >= 0.5 && halfWithin <= 0.55, mostWithin >= 0.95 && mostWithin <= 1.045]).toEqual([true, true])
  expect(durations.take()).toBeNull()
})

test('every duration counts, however short or long', () => {
  const durations = new RecentDurations()
  for (const seconds of [0, -1, 1e9]) durations.observe(seconds)
  expect(durations.take()?.halfWithin).toBe(0.001)
})
