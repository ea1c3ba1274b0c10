import { appendFileSync, readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { defaultIntervals } from '../../src/model/intervals.ts'
import { xid } from '../../src/model/source/visibility.ts'
import { createCore } from '../../src/pipeline/core/core.ts'
import { type CoreOptions, defaultBounds } from '../../src/pipeline/core/options.ts'
import { replayTrace } from '../../src/pipeline/trace.ts'
import { tracedCore } from '../../src/pipeline/trace-file.ts'
import { workspace } from '../config/loading.ts'
import { at, key, upsert } from '../pending/rows.ts'

const options: CoreOptions = {
  stored: { checkpointLsn: at(1_000), horizon: null, readLsn: null },
  source: { isSlotGapOpen: false, readsFollowStream: false, nearXid: xid(700n) },
  policy: { onDelete: 'ignore', onTruncate: 'ignore', fingerprint: () => 'hash' },
  limits: { requestsPerMinute: 600, batchSize: 100, maxInFlight: 4, requestTimeoutMs: 30_000 },
  bounds: defaultBounds,
  runtime: { intervals: defaultIntervals.core, seed: 4 },
}

/** Writes the trace of a process that receives one row, up to its end. */
async function lives(file: string): Promise<void> {
  const failures: unknown[] = []
  const core = tracedCore(file, options, (error) => failures.push(error))
  const rows = [{ key: key('1'), content: upsert('a', 'Jane'), bytes: 1_000 }]
  core.handle({ kind: 'stream opened' }, 1)
  core.handle({ kind: 'wal', wal: { kind: 'begin', commitLsn: at(1_100), xid: 701, committedAtMs: 0 } }, 2)
  core.handle({ kind: 'wal', wal: { kind: 'change', operation: 'insert', rows } }, 3)
  core.effects(3)
  await setImmediate()
  expect(failures).toEqual([])
}

const linesOf = (file: string) => readFileSync(file, 'utf8').split('\n').filter(Boolean)

describe('the trace of a process', () => {
  test('is replayed, and so is the trace of the next process in the same file', async () => {
    using space = workspace()
    const file = `${space.cwd}/trace.jsonl`
    await lives(file)
    await lives(file)
    expect(linesOf(file)).toHaveLength(10)
    expect(replayTrace(linesOf(file), createCore)).toEqual({ lines: 10, difference: null })
    expect(linesOf(file).join()).not.toContain('Jane')
  })

  test('is replayed though its end is cut, as a killed process leaves it', async () => {
    using space = workspace()
    const file = `${space.cwd}/trace.jsonl`
    await lives(file)
    appendFileSync(file, '{"ms":4,"event":{"ki')
    expect(replayTrace(linesOf(file), createCore)).toEqual({ lines: 6, difference: null })
    await lives(file)
    expect(replayTrace(linesOf(file), createCore)).toEqual({ lines: 11, difference: null })
  })

  test('differs from the effects of a core that decides otherwise', async () => {
    using space = workspace()
    const file = `${space.cwd}/trace.jsonl`
    await lives(file)
    const replay = replayTrace(linesOf(file), (given) => ({ ...createCore(given), effects: () => [] }))
    expect(replay.difference).toMatchObject({ line: 5, replayed: '{"ms":3,"effects":[]}' })
  })

  test('ends if it cannot be written, and the core continues', async () => {
    using space = workspace()
    const failures: unknown[] = []
    const core = tracedCore(space.cwd, options, (error) => failures.push(error))
    for (let turn = 0; turn < 2; turn++) {
      core.handle({ kind: 'stream active', othersLeaseMs: 0 }, 1)
      await setImmediate()
    }
    expect(failures).toMatchObject([{ code: 'EISDIR' }])
    expect(core.effects(2)).not.toEqual([])
  })
})

test.each([
  ['another text', ['hello']],
  ['events without options', ['{"ms":1,"event":{"kind":"stream opened"}}']],
  ['another version', ['{"trace":1,"options":{}}']],
])('rejects %s as a trace', (_, lines) => {
  expect(() => replayTrace(lines, createCore)).toThrow(expect.objectContaining({ kind: 'trace invalid' }))
})

test('rejects a trace with a cut line in the middle of a process', async () => {
  using space = workspace()
  const file = `${space.cwd}/trace.jsonl`
  await lives(file)
  const [first = '', second = '', ...others] = linesOf(file)
  expect(() => replayTrace([first, second.slice(0, 9), ...others], createCore)).toThrow('line 2 is not of a trace')
})
