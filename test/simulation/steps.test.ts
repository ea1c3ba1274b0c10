import { expect, test } from 'vitest'
import { createCore } from '../../src/pipeline/core/core.ts'
import { replayTrace } from '../../src/pipeline/trace.ts'
import { shrink } from './steps/shrink.ts'
import { ofSeed } from './steps/simulate.ts'

const first = Number(process.env.SIMULATION_SEED ?? 1)
const seeds = Number(process.env.SIMULATION_SEEDS ?? 1_000)
const replayed = Math.min(seeds, 50)

test('keeps every promise, whatever the order of commits, visibility, reads, answers, records and crashes', {
  timeout: Math.max(300_000, seeds * 100),
}, () => {
  for (let seed = first; seed < first + seeds; seed++) {
    const found = ofSeed(seed)
    if (found.wrong === null) continue
    const { told, wrong } = shrink(found, {})
    expect.fail([`seed ${seed}`, ...told, wrong].join('\n'))
  }
})

// Two rows with one code, of which one is refused, while memory is short.
test.each([20_000_800, 20_011_352])('keeps every promise in a world that broke one before: seed %i', (seed) => {
  expect(ofSeed(seed).wrong).toBeNull()
})

test('writes no value of a row to the trace, and gives the same effects for the same events', () => {
  for (let seed = first; seed < first + replayed; seed++) {
    for (const trace of ofSeed(seed, { traced: true }).traces) {
      expect(trace.join('\n')).not.toContain('1980-01-01')
      expect(replayTrace(trace, createCore), `seed ${seed}`).toEqual({ lines: trace.length, difference: null })
    }
  }
})
