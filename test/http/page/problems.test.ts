import { describe, expect, test } from 'vitest'
import { problemsCard } from '../../../src/http/page/problems-card.ts'
import { verdictOf } from '../../../src/http/page/verdict.ts'
import type { Problem } from '../../../src/model/problem/problem.ts'
import { problemCatalog, problemKinds } from '../../../src/model/problem/problem-kind.ts'
import { problemText } from '../../../src/model/problem/problem-text.ts'
import { problems } from '../../model/problem/problems.ts'
import { view } from './view.ts'

const seen = (...given: Problem[]) =>
  view({ problems: given.map((problem) => ({ problem, sinceMs: Date.parse('2025-12-31T23:00:00Z') })) })

describe('the problems on the page', () => {
  test.each(problemKinds)(
    '%s: has its title, its code and its section, and the badge of its severity',
    async (kind) => {
      const { code, severity, anchor } = problemCatalog[kind]
      const card = String(await problemsCard(seen(problems[kind])))
      expect(card).toContain(`<h3>${problemText(problems[kind]).title}</h3>`)
      expect(card).toContain(`${code}, since 60 min ago. More: <code>docs/operations.md#${anchor}</code>`)
      expect(verdictOf(seen(problems[kind])).badge).toBe(severity === 'critical' ? 'Action required' : 'Warning')
    },
  )

  test('the worst decides the badge, and the first with an effect on the connector the sentence', () => {
    expect(verdictOf(seen(problems.standstill, problems['keys refused'], problems['dead letters']))).toMatchObject({
      tone: 'action-required',
      sentence: problemCatalog['keys refused'].effect,
    })
  })

  test('a store that cannot be written is not shown as an outage of mediQuo', () => {
    const { sentence } = verdictOf(seen(problems['store not writable']))
    expect(sentence).toMatch(/^The checkpoint store cannot be written/)
  })

  test('a problem without an effect on the connector leaves the sentence of the state', () => {
    expect(verdictOf(seen(problems['dead letters'])).sentence).toBe(verdictOf(view()).sentence)
  })
})

test.each(['streaming', 'backfilling', 'starting', 'stopping', 'standby'] as const)(
  '%s, without problems: healthy, and nothing to do',
  async (state) => {
    const calm = view({ status: { state } })
    expect(verdictOf(calm).badge).toBe('Healthy')
    expect(String(await problemsCard(calm))).toBe('<div id="problems" data-live hidden></div>')
  },
)
