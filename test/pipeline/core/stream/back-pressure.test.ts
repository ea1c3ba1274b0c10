import { describe, expect, test } from 'vitest'
import type { Content } from '../../../../src/pending/entry/version.ts'
import { defaultBounds } from '../../../../src/pipeline/core/options.ts'
import { at, key, patient, position, removed, upsert } from '../../../pending/rows.ts'
import { type AskedKind, everything, type Script, scripted, storeAndTable } from '../scripted.ts'

const without = (kinds: readonly AskedKind[], ...left: readonly AskedKind[]) =>
  kinds.filter((kind) => !left.includes(kind))

/** Waits until the stream is not paused. Expects that the pause ends without a message of the stream. */
function whenRead(script: Script): void {
  for (let waits = 0; script.isPaused; waits++) {
    const { wakeAtMs, nowMs } = script
    const isStalled = wakeAtMs === null || waits > 1_000
    expect(isStalled, `stalled: ${JSON.stringify(script.view.waiting)}`).toBe(false)
    script.pass((wakeAtMs ?? nowMs) - nowMs)
  }
}

const rows = (script: Script, count: number, bytes?: number, from = 0) => {
  for (let n = from; n < from + count; n++) script.change(`r${n}`, upsert(`c${n}`), bytes)
}

describe('the stream', () => {
  test('is paused once by rows whose records are not loaded, and resumed when at most nine tenths of them are left', () => {
    const script = scripted({ automatic: without(storeAndTable, 'load records'), bounds: { unloaded: 1_100 } })
    script.begin()
    rows(script, 1_100)
    expect([script.isPaused, script.count('pause stream')]).toEqual([true, 1])
    // Messages that the socket has read already still arrive.
    rows(script, 5, 1_000, 1_100)
    expect(script.count('pause stream')).toBe(1)
    // First a single row is loaded, then a thousand.
    script.answer('load records')
    expect(script.count('resume stream')).toBe(0)
    script.answer('load records')
    expect([script.isPaused, script.count('resume stream')]).toEqual([false, 1])
  })

  test('is paused by waiting rows, and resumed once a tenth of the room is free again', () => {
    const manual = without(everything, 'load records', 'send')
    const script = scripted({ automatic: manual, bounds: { rows: 20 }, batchSize: 1 })
    script.begin()
    rows(script, 20)
    script.end()
    script.answer('load records', 'load records')
    expect([script.isPaused, script.view.waiting.live + script.view.patientsInFlight]).toEqual([true, 20])
    script.answer('send')
    expect([script.isPaused, script.view.unrecorded]).toEqual([true, 0])
    script.answer('send')
    expect(script.isPaused).toBe(false)
    while (script.asked('send').length > 0) script.answer('send')
    expect([script.count('pause stream'), script.count('resume stream')]).toEqual([1, 1])
  })

  test('is paused by the bytes of the rows', () => {
    const script = scripted({ automatic: without(everything, 'load records'), bounds: { bytes: 10_000 } })
    script.begin()
    rows(script, 2, 4_000)
    expect(script.isPaused).toBe(false)
    rows(script, 1, 2_000, 2)
    expect(script.isPaused).toBe(true)
  })

  test('is paused again on a new connection while memory is full: it delivers until then', () => {
    const script = scripted({ automatic: without(everything, 'load records'), bounds: { rows: 2 } })
    script.begin()
    rows(script, 2)
    expect(script.count('pause stream')).toBe(1)
    script.tell({ kind: 'stream lost' })
    expect(script.count('pause stream')).toBe(1)
    script.tell({ kind: 'stream opened' })
    expect([script.count('pause stream'), script.isPaused]).toEqual([2, true])
  })
})

describe('during the hold', () => {
  const held = { horizon: position(5_000), bounds: { rows: 10, bytes: 40_000, unloaded: 20 } }

  test('rows do not pause the stream, though memory is full: only the stream ends the hold', () => {
    const script = scripted({ ...held, automatic: everything })
    for (let n = 0; n < 30; n++) script.commits([`r${n}`, upsert(`c${n}`)])
    expect([script.view.isSendingHeld, script.view.entries, script.isPaused]).toEqual([true, 30, false])
    expect([script.count('send'), script.count('read rows')]).toEqual([0, 0])
  })

  test('rows whose records are not loaded pause the stream', () => {
    const script = scripted({ ...held, automatic: without(everything, 'load records') })
    script.begin()
    rows(script, 19)
    expect(script.isPaused).toBe(false)
    rows(script, 1, 1_000, 19)
    expect(script.isPaused).toBe(true)
    script.answer('load records', 'load records')
    expect(script.isPaused).toBe(false)
  })

  test('changes that come while memory is full lose their content, and are read after the hold', () => {
    const script = scripted({ ...held, automatic: everything })
    script.begin()
    rows(script, 30, 10_000)
    script.end()
    const { payloadBytes } = script.view
    expect(payloadBytes).toBeLessThanOrEqual(40_000 + 30 * 1_000)
    for (let n = 0; script.view.isSendingHeld && n < 100; n++) script.keepalive()
    whenRead(script)
    script.pass(10_000)
    expect(script.view).toMatchObject({ isSendingHeld: false, isQuiet: true })
    expect(script.count('read rows')).toBeGreaterThan(0)
    expect(script.store.size).toBe(30)
  })
})

describe('a transaction that does not fit in memory', () => {
  test('is received whole: its rows are owed, and read after its commit', () => {
    const script = scripted({ automatic: everything, bounds: { rows: 100 } })
    script.begin()
    for (let n = 0; n < 1_000; n++) {
      whenRead(script)
      rows(script, 1, 1_000, n)
      expect(script.view.entries).toBeLessThanOrEqual(101)
    }
    expect([script.count('send'), script.count('read rows')]).toEqual([0, 0])
    whenRead(script)
    script.end()
    script.pass(5_000)
    expect(script.view).toMatchObject({ isQuiet: true, settledLsn: at(1_110) })
    expect([...script.store.values()].filter(({ row }) => row.fingerprint !== null)).toHaveLength(1_000)
  })

  test('that updates 4,000 rows, and then the same rows with 10 kB each, is received, read and sent', () => {
    const script = scripted({ automatic: everything, isLarge: true })
    script.begin()
    rows(script, 4_000)
    let maxBytes = 0
    for (let n = 0; n < 4_000; n++) {
      whenRead(script)
      script.change(`r${n}`, upsert(`c${n}`, 'New'), 20_000)
      maxBytes = Math.max(maxBytes, script.view.payloadBytes)
    }
    script.core.assert()
    whenRead(script)
    script.end()
    script.pass(5_000)
    script.core.assert()
    expect(script.view).toMatchObject({ isQuiet: true, settledLsn: at(1_110), unsettled: 0 })
    expect(maxBytes).toBeLessThanOrEqual(defaultBounds.bytes + 20_000)
    const first = script.store.get(key('r0'))?.row.fingerprint
    expect(first).toBe(JSON.stringify(patient('c0', 'New')))
    expect([...script.store.values()].filter(({ row }) => row.fingerprint === null || row.owed)).toEqual([])
  })

  test('owes rows only once requests free no memory any more', () => {
    const manual = without(everything, 'send')
    const script = scripted({ automatic: manual, bounds: { rows: 20 }, batchSize: 1, maxInFlight: 1 })
    const owed = () => script.facts.filter(({ kind }) => kind === 'rows owed').length
    for (let n = 0; n < 10; n++) script.commits([`other ${n}`, upsert(`other ${n}`)])
    script.begin()
    rows(script, 10)
    for (let answers = 0; script.isPaused; answers++) {
      expect([owed(), answers < 10]).toEqual([0, true])
      script.answer('send')
    }
    while (script.asked('send').length > 0) script.answer('send')
    expect(owed()).toBe(0)
    rows(script, 10, 1_000, 10)
    whenRead(script)
    expect(owed()).toBeGreaterThan(0)
  })

  test('does not stall when other rows free memory until it is no longer full, but not below the limit to resume', () => {
    const script = scripted({ automatic: without(everything, 'load records', 'send'), bounds: { bytes: 100_000 } })
    script.commits(['other', upsert('other')])
    script.answer('load records')
    script.begin()
    rows(script, 99)
    expect(script.isPaused).toBe(true)
    // The other row is delivered, so that memory is between nine tenths and full. Then the row records are loaded.
    script.answer('send')
    while (script.asked('load records').length > 0) script.answer('load records')
    whenRead(script)
    expect(script.isPaused).toBe(false)
  })
})

describe('memory that is full of refused rows', () => {
  test('is freed once a good row is accepted, which shows that the rows are bad and the API is not', () => {
    const script = scripted({ automatic: without(everything, 'send'), bounds: { rows: 10 }, batchSize: 2 })
    const answer = () => {
      for (const { ticket, batch } of script.asked('send')) {
        const isGood = batch.every((delivery) => delivery.code === 'good')
        const refused = { kind: 'isolate', status: 400, named: [] } as const
        script.tell({ kind: 'answered', ticket, outcome: isGood ? { kind: 'accepted' } : refused })
      }
    }
    for (let n = 0; n < 10; n++) script.commits([`r${n}`, upsert(`bad${n}`)])
    expect(script.isPaused).toBe(true)
    for (let seconds = 0; script.isPaused && seconds < 300; seconds++) {
      answer()
      script.pass(1_000)
    }
    expect([script.view.trouble?.kind, script.isPaused]).toEqual(['rejecting', false])
    const letters = () => [...script.store.values()].filter(({ row }) => row.deadLetter)
    for (let seconds = 0; letters().length < 10 && seconds < 1_000; seconds++) {
      if (seconds % 50 === 0) script.commits(['good', upsert('good', `At${seconds}`)])
      answer()
      script.pass(1_000)
    }
    expect(script.view).toMatchObject({ trouble: null, isQuiet: true })
    expect([letters().length, script.store.get(key('good'))?.row.deadLetter]).toEqual([10, null])
  })
})

describe('codes to be unsubscribed beyond their bound', () => {
  test('are owed in portions, and never pause the stream', () => {
    const ended: [string, Content][] = Array.from({ length: 200 }, (_, n) => [`r${n}`, removed(`c${n}`)])
    const script = scripted({
      automatic: without(everything, 'find holders'),
      bounds: { unsubscriptions: 10, rows: 1_000 },
    })
    for (const one of ended) script.commits(one)
    expect(script.view.unsubscriptions).toBeLessThanOrEqual(100 + 13)
    expect([script.count('pause stream'), script.facts.some(({ kind }) => kind === 'rows owed')]).toEqual([0, true])
  })
})
