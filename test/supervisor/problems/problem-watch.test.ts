import { expect, test } from 'vitest'
import type { Problem } from '../../../src/model/problem/problem.ts'
import { createProblemWatch } from '../../../src/supervisor/problems/problem-watch.ts'
import { problems } from '../../model/problem/problems.ts'

function scene() {
  const set = { nowMs: 1_000, problems: [] as readonly Problem[] }
  const lines: unknown[] = []
  const log = (level: string) => (fields: object, msg?: string) => void lines.push({ level, ...fields, msg })
  const watch = createProblemWatch({
    // Only these three methods, with fields and a text, are called.
    logger: { info: log('info'), warn: log('warn'), error: log('error') } as Parameters<
      typeof createProblemWatch
    >[0]['logger'],
    everyMs: 5_000,
    wallClockMs: () => set.nowMs,
    collect: () => set.problems,
  })
  watch.stop()
  const look = (nowMs: number, ...current: Problem[]) => {
    set.nowMs = nowMs
    set.problems = current
    return watch.look().map(({ problem, sinceMs }) => [problem.kind, sinceMs])
  }
  return { look, lines }
}

test('a problem keeps its time while it lasts, whatever its figures are, and has a new one after it was cleared', () => {
  const { look } = scene()
  expect(look(1_000, problems.standstill)).toEqual([['standstill', 1_000]])
  expect(look(2_000, { kind: 'standstill', facts: { seconds: 99 } })).toEqual([['standstill', 1_000]])
  expect(look(3_000)).toEqual([])
  expect(look(4_000, problems.standstill)).toEqual([['standstill', 4_000]])
})

test('two slots that nobody uses are two problems', () => {
  const { look } = scene()
  const first = problems['orphaned slot']
  const second: Problem = { kind: 'orphaned slot', facts: { ...first.facts, slot: 'other' } }
  look(1_000, first)
  expect(look(2_000, first, second)).toEqual([
    ['orphaned slot', 1_000],
    ['orphaned slot', 2_000],
  ])
})

test('the log has a line for a problem that is raised, by its severity, and one when it clears', () => {
  const { look, lines } = scene()
  look(1_000, problems['keys refused'], problems['orphaned slot'])
  look(2_000, problems['keys refused'], problems['orphaned slot'])
  look(61_000, problems['orphaned slot'])
  expect(lines).toEqual([
    expect.objectContaining({ level: 'error', msg: 'problem raised', code: 'MQ2002', detail: 'the reason' }),
    expect.objectContaining({ level: 'warn', msg: 'problem raised', code: 'MQ1205', slot: 'mediquo_cdc_old' }),
    { level: 'info', msg: 'problem cleared', code: 'MQ2002', problem: 'keys refused', seconds: 60 },
  ])
})
