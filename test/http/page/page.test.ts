import { expect, test } from 'vitest'
import { chartFigure } from '../../../src/http/page/charts.ts'
import { statusPage } from '../../../src/http/page/page.ts'
import { pageCharts } from '../../../src/http/page/page-charts.ts'
import { contentSecurityPolicy } from '../../../src/http/page/page-policy.ts'
import { patientCode } from '../../../src/model/patient/patient.ts'
import { storedRowKey } from '../../../src/model/source/row.ts'
import type { Sample } from '../../../src/model/status/sample.ts'
import { quietStatus } from '../../support/quiet-status.ts'
import { view } from './view.ts'

const sample = (atMs: number, lagBytes: number | null = 0): Sample => ({
  atMs,
  lagBytes,
  requestsLastMinute: 0,
  backfillMark: 0,
  delivery: null,
})
const paths = (text: string) => text.match(/class="line main"/g)?.length ?? 0

test('values from the database or the API are escaped as text', async () => {
  const evil = '<img src=x onerror=alert(1)>'
  const letter = {
    reason: 'invalid' as const,
    status: null,
    attributes: [{ attribute: evil, reason: null }],
    key: storedRowKey(evil),
    code: patientCode(evil),
    attempts: 1,
    firstAt: new Date(),
    lastAt: new Date(),
  }
  const page = String(
    await statusPage(
      view({
        status: {
          state: 'blocked',
          reason: evil,
          deadLetters: 1,
          delivery: { ...quietStatus.delivery, lastError: evil },
        },
        problems: [{ problem: { kind: 'blocked', facts: { reason: evil } }, sinceMs: 0 }],
        deadLetters: { total: 1, byReason: [{ reason: 'invalid', rows: 1 }], newest: [letter] },
      }),
    ),
  )
  expect(page).not.toContain('<img')
  expect(page.split('&lt;img').length).toBeGreaterThan(4)
})

test('the policy allows only the page’s own style and script', () => {
  expect(contentSecurityPolicy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+';/)
  expect(contentSecurityPolicy).not.toMatch(/unsafe|https?:|\*/)
})

test('a line has a gap where a value is unknown, and where a sample is missing', async () => {
  const seen = view({ samples: [0, 10, 20, 200, 210].map((at) => sample(3_000_000 + at * 1_000)) })
  const [lag] = pageCharts({ ...seen, monotonicMs: 3_215_000 })
  expect(lag && paths(String(await chartFigure(lag)))).toBe(2)
  const unknown = view({ samples: [sample(3_000_000), sample(3_010_000, null), sample(3_060_000)] })
  const [gap] = pageCharts({ ...unknown, monotonicMs: 3_065_000 })
  expect(gap && paths(String(await chartFigure(gap)))).toBe(2)
})

test('a chart starts at the start of the process, at least ten minutes and at most an hour ago', () => {
  const spans = [60, 1_200, 3_590].map((age) => {
    const [chart] = pageCharts(view({ samples: [sample(3_600_000 - age * 1_000)] }))
    return chart?.spanMs
  })
  expect(spans).toEqual([600_000, 1_200_000, 3_590_000])
})

test('charts without values say so', async () => {
  const unknown = view()
  const charts = pageCharts({
    ...unknown,
    status: { ...unknown.status, source: { ...unknown.status.source, lagBytes: null } },
  })
  expect(charts.map(({ now }) => now)).toEqual(['not known', 'nothing lately', '0 of 600 a minute'])
})
