import { describe, expect, test } from 'vitest'
import { upsert } from '../../pending/rows.ts'
import { type ScriptOptions, scripted, storeAndTable } from './scripted.ts'

const withoutRecord = storeAndTable.filter((kind) => kind !== 'record')

/** Creates a core whose writes, permits and requests the test answers. A request is given up after 30 s. */
const slow = (options: ScriptOptions = {}) => scripted({ automatic: [...withoutRecord, 'want permit'], ...options })

describe('a lone change', () => {
  test('is sent after a single write, which notes it and begins the lease, and the next one releases that', () => {
    const script = slow()
    script.commits(['a', upsert('a')])
    expect(script.next('record').settlement).toMatchObject({ rows: [{ code: 'a' }], leaseMs: 37_000 })
    script.answer('record')
    script.answer('send')
    expect(script.next('record').settlement).toMatchObject({ rows: [{ code: 'a' }], leaseMs: 0 })
    script.answer('record')
    expect([script.count('send'), script.count('record')]).toEqual([1, 2])
  })

  test('that is sent again a while later is written again before', () => {
    const script = slow()
    script.commits(['a', upsert('a')])
    script.answer('record')
    const { ticket } = script.next('send')
    script.tell({ kind: 'answered', ticket, outcome: { kind: 'pause', ms: 29_000 } })
    script.pass(29_000)
    expect(script.count('send')).toBe(1)
    expect(script.next('record').settlement).toMatchObject({ rows: [], leaseMs: 37_000 })
    script.fail('record')
    script.pass(60_000)
    expect(script.count('send')).toBe(1)
    script.answer('record')
    script.pass(60_000)
    script.answer('record')
    expect(script.count('send')).toBe(2)
  })
})

test('an idle connector writes nothing for the lease', () => {
  const script = scripted({ automatic: [...storeAndTable, 'want permit', 'send', 'fetch code'] })
  script.commits(['a', upsert('a')])
  const written = script.count('record')
  script.pass(600_000)
  expect([written, script.count('record')]).toEqual([2, 2])
})

describe('after a take-over from an instance whose requests may be out', () => {
  const waiting = () => {
    const script = slow({ isActive: false })
    script.tell({ kind: 'stream active', othersLeaseMs: 20_000 })
    return script
  }

  test('changes are received and nothing is sent, until that time is over', () => {
    const script = waiting()
    script.commits(['a', upsert('a')])
    script.pass(19_999)
    expect([script.count('want permit'), script.view.othersLeaseMs, script.view.waiting.live]).toEqual([0, 1, 1])
    script.pass(1)
    expect(script.view.othersLeaseMs).toBe(0)
    script.answer('record')
    expect(script.next('send').batch).toHaveLength(1)
  })

  test('the lease in the store stays as it is', () => {
    const script = waiting()
    script.keepalive()
    script.pass(10_000)
    expect(script.next('record').settlement.leaseMs).toBeNull()
  })

  test('a lost connection does not shorten the time', () => {
    const script = waiting()
    script.commits(['a', upsert('a')])
    script.pass(10_000)
    script.tell({ kind: 'stream lost' })
    script.tell({ kind: 'stream active', othersLeaseMs: 0 })
    script.pass(9_999)
    expect(script.count('want permit')).toBe(0)
    script.pass(1)
    expect(script.count('want permit')).toBe(1)
  })

  test('a drain does not wait for it', () => {
    const script = waiting()
    script.commits(['a', upsert('a')])
    script.tell({ kind: 'drain' })
    expect(script.count('drained')).toBe(1)
  })
})

test('a drain does not release the lease while a request without an answer may be applied', () => {
  const script = slow()
  script.commits(['a', upsert('a')])
  script.answer('record')
  script.tell({ kind: 'drain' })
  script.fail('send')
  expect([script.count('drained'), script.view.requestsOutMs]).toEqual([1, 32_000])
  expect(script.log.flatMap((effect) => (effect.kind === 'record' ? [effect.settlement.leaseMs] : []))).toEqual([
    37_000,
  ])
})
