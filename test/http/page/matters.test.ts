import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { mattersOf } from '../../../src/http/page/matters.ts'
import { verdictOf } from '../../../src/http/page/verdict.ts'
import { sampleEveryMs } from '../../../src/model/status/sample.ts'
import { deliveryTroubles, stateCannotBeWritten } from '../../../src/model/status/status.ts'
import { quietStatus } from '../../support/quiet-status.ts'
import { view } from './view.ts'

const operations = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')

/** Creates a backfill whose last progress was this long ago. */
function gettingNowhereFor(ms: number) {
  const { monotonicMs } = view()
  const samples = Array.from({ length: 361 }, (_, index) => {
    const atMs = monotonicMs - (360 - index) * sampleEveryMs
    const backfillMark = atMs > monotonicMs - ms - sampleEveryMs ? 100 : 99
    return { atMs, lagBytes: 0, requestsLastMinute: 0, backfillMark, delivery: null }
  })
  return view({ samples, backfillMark: 100, status: { state: 'backfilling' } })
}

/** Views of the page for each problem. */
const wrong = [
  ...deliveryTroubles.map((trouble) => [trouble, view({ trouble })] as const),
  ['a state that cannot be written', view({ trouble: 'outage', status: { reason: stateCannotBeWritten } })],
  ['stuck', view({ healthy: false })],
  ['blocked', view({ status: { state: 'blocked', reason: 'the table is gone' } })],
  ['not started', view({ status: { state: 'starting', reason: 'the server cannot be reached' } })],
  ['dead letters', view({ status: { deadLetters: 1 } })],
  [
    'a slot in danger',
    view({ status: { warnings: ['the replication slot mediquo_cdc holds 9 GB. Deliver what waits.'] } }),
  ],
  ['drift', view({ driftRatio: 0.01 })],
  ['a backlog', view({ status: { source: { ...quietStatus.source, secondsToDrain: 601 } } })],
  ['a backfill that does not get on', gettingNowhereFor(900_000)],
  ['another warning', view({ status: { warnings: ['several rows have one code'] } })],
] as const

describe('the problems on the page', () => {
  test.each(wrong)('%s: the badge is not that of a healthy connector, and there is one problem', (_, seen) => {
    expect(['look', 'act']).toContain(verdictOf(seen).tone)
    expect(mattersOf(seen)).toHaveLength(1)
  })

  test.each(wrong)('%s: its section is in the handbook', (_, seen) => {
    for (const { anchor } of mattersOf(seen)) expect(operations).toMatch(`<a id="${anchor}"></a>`)
  })

  test('require an immediate action for a slot that is about to be lost', () => {
    const seen = view({
      isSlotSoonLost: true,
      status: { warnings: ['the replication slot mediquo_cdc holds 9 GB. Act.'] },
    })
    expect(verdictOf(seen).tone).toBe('act')
    expect(mattersOf(seen)).toMatchObject([{ anchor: 'alert-slot-soon-lost' }])
    expect(operations).toMatch('<a id="alert-slot-soon-lost"></a>')
  })

  test('do not report a checkpoint store that cannot be written as an outage of mediQuo', () => {
    const seen = view({ trouble: 'outage', status: { reason: stateCannotBeWritten } })
    expect(verdictOf(seen).sentence).toMatch(/^The state cannot be written/)
    expect(mattersOf(seen)).toMatchObject([{ title: 'The state cannot be written' }])
  })

  test('allow a backfill a quarter of an hour, without the time in which the machine was suspended or the API down', () => {
    expect(mattersOf(gettingNowhereFor(800_000))).toEqual([])
    const stuck = gettingNowhereFor(2_000_000)
    const asleep = stuck.samples.filter((_, index) => index < 200 || index > 350)
    expect(mattersOf({ ...stuck, samples: asleep })).toEqual([])
    expect(mattersOf({ ...stuck, samples: [] })).toEqual([])
    expect(mattersOf({ ...stuck, trouble: 'outage' }).map(({ anchor }) => anchor)).toEqual(['alert-api-down'])
  })

  test('start with the worst, and include all of them', () => {
    const seen = view({ healthy: false, trouble: 'halted', status: { deadLetters: 2, warnings: ['a warning'] } })
    expect(mattersOf(seen).map(({ title }) => title)).toEqual([
      'It is stuck',
      'mediQuo refuses the keys',
      'A warning',
      '2 rows rejected',
    ])
    expect(verdictOf(seen)).toMatchObject({ tone: 'act', badge: 'Needs you now' })
  })
})

test.each([
  ['streaming', 'well'],
  ['backfilling', 'working'],
  ['starting', 'working'],
  ['stopping', 'working'],
  ['standby', 'standing by'],
] as const)('%s, without problems: %s, and nothing to do', (state, tone) => {
  const seen = view({ status: { state } })
  expect(verdictOf(seen).tone).toBe(tone)
  expect(mattersOf(seen)).toEqual([])
})
