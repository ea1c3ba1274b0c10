import { describe, expect, test } from 'vitest'
import { code, position, upsert } from '../../pending/rows.ts'
import { everything, kinds, scripted, storeAndTable } from './scripted.ts'

describe('effects', () => {
  test('are handed out once: a second request without an event returns none', () => {
    const script = scripted({ automatic: ['find backfill', 'list owed rows'] })
    script.begin()
    expect(kinds(script.change('a', upsert('a')))).toContain('load records')
    expect(script.core.effects(script.nowMs)).toEqual([])
    expect(script.asked('load records')).toHaveLength(1)
  })

  test('are derived from the state: an enabled effect is handed out, however often the core was asked before', () => {
    const script = scripted({ automatic: storeAndTable })
    script.begin()
    script.change('a', upsert('a'))
    // Half of a transaction is not sent.
    expect(script.asked('want permit')).toEqual([])
    expect(kinds(script.end())).toContain('want permit')
  })

  test('follow each other: load, permit, record, send, record, acknowledge', () => {
    const script = scripted({ automatic: everything })
    const order = ['load records', 'want permit', 'record', 'send', 'record', 'acknowledge']
    const effects = kinds(script.commits(['a', upsert('a')])).filter((kind) => order.includes(kind))
    expect(effects.slice(0, 3)).toEqual(['load records', 'want permit', 'record'])
    expect(effects.indexOf('send')).toBeGreaterThan(effects.indexOf('record'))
    expect(script.view).toMatchObject({ isQuiet: true, durableLsn: 1_110n, patientsInFlight: 0, outstanding: 0 })
    expect(script.permits).toBe(0)
  })
})

describe('a ticket', () => {
  test('that was answered already causes an error, whatever the second answer is', () => {
    const script = scripted()
    const { ticket } = script.next('find backfill')
    script.answer('find backfill')
    expect(() => script.core.handle({ kind: 'failed', ticket }, script.nowMs)).toThrow(/without having been handed out/)
    expect(() => script.core.handle({ kind: 'backfill found', ticket, run: null }, script.nowMs)).toThrow(/handed out/)
  })

  test('that was never handed out causes an error', () => {
    expect(() => scripted().tell({ kind: 'recorded', ticket: 4_711, owed: [] })).toThrow(/4711/)
  })

  test('of a permit is no longer outstanding once it is granted', () => {
    const script = scripted({ automatic: storeAndTable })
    script.commits(['a', upsert('a')])
    expect(script.view.outstanding).toBe(1)
    script.answer('want permit')
    expect(script.asked('want permit')).toEqual([])
  })
})

describe('a permit', () => {
  test('that is no longer needed is returned', () => {
    const script = scripted({ automatic: storeAndTable })
    script.commits(['a', upsert('a')])
    script.tell({ kind: 'stream lost' })
    expect(kinds(script.answer('want permit'))).toContain('return permit')
    expect([script.permits, script.count('send')]).toEqual([0, 0])
  })

  test('is requested again once this instance is the writer again', () => {
    const script = scripted({ automatic: storeAndTable })
    script.commits(['a', upsert('a')])
    script.tell({ kind: 'stream lost' })
    script.answer('want permit')
    expect(kinds(script.tell({ kind: 'stream active', othersLeaseMs: 0 }))).toContain('want permit')
  })
})

describe('the write before sending', () => {
  const reads = storeAndTable.filter((kind) => kind !== 'record')

  test('notes the row and H, and the request leaves only once the note is stored', () => {
    const script = scripted({ automatic: [...reads, 'want permit'] })
    script.commits(['a', upsert('a')])
    const { settlement } = script.next('record')
    expect(settlement.rows).toMatchObject([{ code: 'a', fingerprint: null, removed: false }])
    expect(settlement.horizon).toEqual(position(1_100))
    expect([script.count('send'), script.view.requestsInFlight]).toEqual([0, 1])
    expect(kinds(script.answer('record'))).toContain('send')
  })

  test('that fails returns the batch and the permit, and is tried again', () => {
    const script = scripted({ automatic: [...reads, 'want permit'] })
    script.commits(['a', upsert('a')])
    script.fail('record')
    expect(script.view).toMatchObject({ requestsInFlight: 0, patientsInFlight: 0, sendable: { live: 1 } })
    expect(script.view.trouble).toMatchObject({ kind: 'store outage' })
    expect([script.permits, script.count('return permit')]).toEqual([0, 1])
    script.pass(1_000)
    expect(script.asked('record')).toHaveLength(1)
    script.answer('record')
    script.pass(1_000)
    expect(script.next('send').batch.map(({ code }) => code)).toEqual(['a'])
  })

  test('is not repeated for a request that is sent again', () => {
    const script = scripted({ automatic: [...reads, 'want permit'] })
    script.commits(['a', upsert('a')])
    script.answer('record')
    const { ticket } = script.next('send')
    script.tell({ kind: 'answered', ticket, outcome: { kind: 'pause', ms: 0 } })
    expect([script.count('send'), script.count('record')]).toEqual([2, 1])
  })
})

describe('a drain', () => {
  test('ends once every request in flight is answered, stored and acknowledged', () => {
    const script = scripted({ automatic: [...storeAndTable.filter((kind) => kind !== 'record'), 'want permit'] })
    script.commits(['a', upsert('a')])
    script.answer('record')
    script.tell({ kind: 'drain' })
    expect(script.count('drained')).toBe(0)
    script.answer('send')
    expect(script.count('drained')).toBe(0)
    const last = kinds(script.answer('record'))
    expect(last.indexOf('acknowledge')).toBeLessThan(last.indexOf('drained'))
    expect([script.count('drained'), script.view.durableLsn]).toEqual([1, 1_110n])
  })

  test('sends nothing new, and returns a batch that only waits for its write', () => {
    const script = scripted({ automatic: [...storeAndTable.filter((kind) => kind !== 'record'), 'want permit'] })
    script.commits(['a', upsert('a')])
    script.tell({ kind: 'drain' })
    expect(script.count('drained')).toBe(0)
    script.answer('record')
    expect([script.count('send'), script.permits]).toEqual([0, 0])
    // The write began a lease, which nothing needs any more.
    expect(script.next('record').settlement).toMatchObject({ rows: [], leaseMs: 0 })
    script.answer('record')
    expect(script.count('drained')).toBe(1)
  })

  test('does not end before a moved position is stored, even without rows', () => {
    const script = scripted({ automatic: storeAndTable.filter((kind) => kind !== 'record') })
    script.keepalive()
    script.tell({ kind: 'drain' })
    script.fail('record')
    expect(script.count('drained')).toBe(0)
    script.pass(1_000)
    script.answer('record')
    expect([script.count('drained'), script.view.durableLsn]).toEqual([1, 1_100n])
  })

  test('ends immediately if there is nothing to do, and only once', () => {
    const script = scripted({ automatic: everything })
    script.tell({ kind: 'drain' })
    script.pass(60_000)
    expect(script.count('drained')).toBe(1)
  })

  test('returns the rows of an unfinished search for a bad row to the queue', () => {
    const script = scripted({ automatic: [...storeAndTable, 'want permit'] })
    script.commits(['a', upsert('a')], ['b', upsert('b')])
    script.tell({ kind: 'drain' })
    const { ticket } = script.next('send')
    script.tell({ kind: 'answered', ticket, outcome: { kind: 'isolate', status: 422, named: [] } })
    expect(script.view).toMatchObject({ waiting: { live: 2 }, patientsInFlight: 0 })
    expect(script.count('drained')).toBe(1)
  })
})

describe('wake at', () => {
  test('is the earliest time that the core waits for, replaces the earlier one, and is null if there is none', () => {
    const script = scripted({ automatic: storeAndTable, isActive: false })
    expect(script.wakeAtMs).toBeNull()
    script.tell({ kind: 'stream active', othersLeaseMs: 0 })
    // Time of the next query for a backfill run.
    expect(script.wakeAtMs).toBe(script.nowMs + 2_000)
    script.commits(['a', upsert('a')])
    script.tell({ kind: 'permit granted', ticket: script.next('want permit').ticket })
    const { ticket } = script.next('send')
    script.tell({ kind: 'answered', ticket, outcome: { kind: 'pause', ms: 700 } })
    expect(script.wakeAtMs).toBe(script.nowMs + 700)
    script.pass(700)
    expect(script.asked('want permit')).toHaveLength(1)
    expect(script.wakeAtMs).toBe(script.nowMs + 1_300)
  })

  test('is handed out again after a tick that came too early', () => {
    const script = scripted({ automatic: storeAndTable })
    const { wakeAtMs } = script
    expect(script.tell({ kind: 'tick' })).toContainEqual({ kind: 'wake at', ms: wakeAtMs })
  })

  test('is the time to load row records again after a failure', () => {
    const script = scripted({ automatic: storeAndTable.filter((kind) => kind !== 'load records') })
    script.commits(['a', upsert('a')])
    script.fail('load records')
    script.pass(1_000)
    expect(script.asked('load records')).toHaveLength(1)
  })

  test.each(['content', 'end'] as const)('is the time to list owed rows again after a failure: %s', (reason) => {
    const script = scripted({ automatic: storeAndTable.filter((kind) => kind !== 'list owed rows') })
    const lists = () => script.asked('list owed rows').filter(({ reasons }) => reasons.includes(reason))
    for (const { ticket } of lists()) script.tell({ kind: 'failed', ticket })
    expect(lists()).toEqual([])
    script.pass(1_000)
    expect(lists()).toHaveLength(1)
  })
})

test('a rejected row is reported with its reason', () => {
  const script = scripted({ automatic: everything.filter((kind) => kind !== 'send') })
  script.commits(
    ['good', upsert('good')],
    ['wide', upsert('wide')],
    ['invalid', { kind: 'invalid', code: code('x'), invalid: [] }],
  )
  for (let requests = 0; script.asked('send').length > 0 && requests < 10; requests++) {
    const { ticket, batch } = script.next('send')
    const isTooLarge = batch.some((delivery) => delivery.code === 'wide')
    script.tell({ kind: 'answered', ticket, outcome: isTooLarge ? { kind: 'split' } : { kind: 'accepted' } })
    script.pass(1_000)
  }
  const rejections = script.facts.flatMap((fact) =>
    fact.kind === 'settled' && fact.outcome === 'dead letter' ? [fact.rejection] : [],
  )
  expect(rejections).toEqual(['invalid', 'too large'])
})
