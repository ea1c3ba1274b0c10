import { describe, expect, test } from 'vitest'
import { nobody } from '../../../../src/model/patient/nobody.ts'
import type { PatientCode } from '../../../../src/model/patient/patient.ts'
import type { Content } from '../../../../src/pending/entry/version.ts'
import type { FetchedCode } from '../../../../src/pipeline/core/events.ts'
import { short } from '../../../pending/dialogue.ts'
import { code, delivered, key, patient, position, removed, upsert } from '../../../pending/rows.ts'
import { type AskedKind, everything, type Script, scripted } from '../scripted.ts'

const row = (name: string, of = name) => delivered(name, patient(of))
const rows = (...names: readonly string[]) => names.map((name) => row(name))
const byHand = (...kinds: readonly AskedKind[]) => everything.filter((kind) => !kinds.includes(kind))
const found = (of: string): FetchedCode => ({
  kind: 'patient',
  isAsExpected: false,
  record: patient(of, 'FromApi'),
})

/** Answers the GET of a code. */
function fetched(script: Script, of: string, answer: FetchedCode): void {
  const effect = script.asked('fetch code').find((asked) => asked.code === of)
  if (!effect) throw new Error(`${of} is not being read back`)
  script.tell({ kind: 'code fetched', ticket: effect.ticket, found: answer })
}
/** Lets a patient that is accepted twice be applied only at the third read-back, after 35 seconds. */
function learnsApplyTime(script: Script): void {
  script.commits(['slow', upsert('slow')])
  script.commits(['slow', upsert('slow', 'Later')])
  for (const isAsExpected of [false, false, true]) {
    while (asked(script).length === 0) script.pass(1_000)
    fetched(script, 'slow', { kind: 'patient', isAsExpected, record: null })
  }
}
const sent = (script: Script) => script.log.flatMap((effect) => (effect.kind === 'send' ? short(effect.batch) : []))
const asked = (script: Script) => script.asked('fetch code').map((effect) => effect.code)

describe('a code to be unsubscribed', () => {
  test('is sent with the fetched patient, without its plan', () => {
    const script = scripted({ state: rows('a'), automatic: byHand('fetch code') })
    script.commits(['a', removed()])
    fetched(script, 'a', found('a'))
    expect(sent(script)).toEqual(['remove a FromApi no plan'])
    expect(script.store.get(key('a'))?.row).toMatchObject({ code: 'a', removed: true })
  })

  test('is sent without a GET if the full old row is known', () => {
    const script = scripted({ state: rows('a'), automatic: byHand('fetch code') })
    script.commits(['a', { kind: 'removed', code: code('a'), patient: patient('a', 'Old') }])
    expect([sent(script), script.count('fetch code')]).toEqual([['remove a Old no plan'], 0])
  })

  test.each<[string, FetchedCode, readonly PatientCode[]]>([
    ['does not have it, and never accepted it', { kind: 'absent' }, [code('a')]],
    ['has unsubscribed it', { kind: 'patient', isAsExpected: false, record: null }, []],
  ])('is settled without a request if the API %s', (_, answer, unacceptedCodes) => {
    const state = [{ ...row('a'), unacceptedCodes }]
    const script = scripted({ state, automatic: byHand('fetch code') })
    // A request of the process before may still be applied.
    script.pass(60_000)
    script.commits(['a', removed()])
    fetched(script, 'a', answer)
    expect(sent(script)).toEqual([])
    script.pass(1_000)
    expect(script.store.get(key('a'))?.row).toMatchObject({ removed: true, owed: null })
    expect(script.view).toMatchObject({ unsubscriptions: 0, unsettled: 0 })
  })

  test('is left to another row that has it in the store, even if that row is not in memory', () => {
    const script = scripted({ state: [row('a'), row('b', 'a')], automatic: everything })
    script.commits(['a', { kind: 'removed', code: code('a'), patient: patient('a', 'Old') }])
    expect([sent(script), script.count('fetch code'), script.count('find holders')]).toEqual([[], 0, 1])
    expect(script.view.unsettled).toBe(0)
  })

  test('is not left to a row that gave it up: the store is asked again if rows that had the code are stored in the meantime', () => {
    const script = scripted({
      state: [row('a'), row('b', 'a')],
      automatic: byHand('record', 'find holders', 'fetch code'),
    })
    const storeAll = () => {
      while (script.asked('record').length > 0) script.answer('record')
    }
    script.commits(['b', upsert('x')])
    script.answer('find holders')
    script.commits(['a', removed()])
    for (const name of ['First', 'Second']) {
      // The store was read before the other row was recorded, and the answer arrives after that row has left memory.
      const { ticket } = script.next('find holders')
      script.commits(['b', upsert('x', name)])
      storeAll()
      script.pass(2_000)
      storeAll()
      script.tell({ kind: 'holders found', ticket, holders: new Map([[code('a'), [key('a'), key('b')]]]) })
    }
    script.answer('find holders')
    // The write that begins the lease.
    storeAll()
    expect(asked(script)).toEqual(['a'])
  })

  test('is left to another row that has it in memory, without a query to the store', () => {
    const script = scripted({ state: rows('a'), automatic: byHand('send', 'find holders') })
    script.commits(['a', removed()], ['b', upsert('a')])
    script.answer('send')
    expect([script.count('fetch code'), sent(script)]).toEqual([0, ['upsert a Jane']])
  })

  test('is not resolved during the hold', () => {
    const script = scripted({ state: rows('a'), automatic: everything, horizon: position(5_000) })
    script.commits(['a', removed()])
    expect([script.view.isSendingHeld, script.count('find holders')]).toEqual([true, 0])
  })

  test('is resolved again if the query to the store fails', () => {
    const script = scripted({ state: rows('a'), automatic: byHand('find holders', 'fetch code') })
    script.commits(['a', removed()])
    script.fail('find holders')
    expect(script.asked('find holders')).toEqual([])
    script.pass(200)
    script.answer('find holders')
    expect(asked(script)).toEqual(['a'])
  })
})

describe('many codes', () => {
  const names = Array.from({ length: 150 }, (_, n) => `r${n}`)
  const ended = names.map((name): [string, Content] => [name, removed()])

  test('are looked up in the store a hundred at a time, while the patients of others are fetched', () => {
    const script = scripted({ state: rows(...names), automatic: byHand('find holders', 'fetch code') })
    script.commits(...ended)
    expect(script.next('find holders').codes).toHaveLength(100)
    script.answer('find holders')
    expect([script.next('find holders').codes.length, asked(script).length]).toEqual([50, 8])
  })

  test('that other rows have in memory make room for the next ones immediately', () => {
    const script = scripted({ state: rows(...names), automatic: byHand('find holders', 'send', 'want permit') })
    const taken = names.slice(0, 100).map((name): [string, Content] => [`new ${name}`, upsert(name)])
    script.commits(...ended, ...taken)
    const codes = script.asked('find holders').flatMap((effect) => effect.codes)
    expect(codes).toEqual(names.slice(100))
  })
})

describe('a small number of removals that are ready', () => {
  const puts = (script: Script) => script.asked('want permit').filter(({ endpoint }) => endpoint === 'put')
  const three = () => {
    const script = scripted({ state: rows('a', 'b', 'c'), automatic: byHand('fetch code', 'want permit') })
    const grant = () => {
      const get = script.asked('want permit').find(({ endpoint }) => endpoint === 'get')
      if (get) script.tell({ kind: 'permit granted', ticket: get.ticket })
      return get !== undefined
    }
    // The query for a backfill run is due at another time, so that it causes no wake-up at that moment.
    script.pass(500)
    script.commits(['a', removed()], ['b', removed()], ['c', removed()])
    while (grant());
    fetched(script, 'a', found('a'))
    return script
  }

  test('wait for others, two seconds at most', () => {
    const script = three()
    expect(puts(script)).toEqual([])
    script.pass(1_999)
    expect(puts(script)).toEqual([])
    script.pass(1)
    expect(puts(script)).toHaveLength(1)
  })

  test('leave together as soon as no other is being resolved', () => {
    const script = three()
    fetched(script, 'b', found('b'))
    expect(puts(script)).toEqual([])
    fetched(script, 'c', { kind: 'absent' })
    const [permit] = puts(script)
    if (permit) script.tell({ kind: 'permit granted', ticket: permit.ticket })
    expect(sent(script)).toEqual(['remove a FromApi no plan', 'remove b FromApi no plan'])
  })

  test('leave with a live change, which does not wait', () => {
    const script = three()
    script.commits(['d', upsert('d')])
    expect(puts(script)).toHaveLength(1)
  })
})

describe('a code whose GET fails', () => {
  test('does not delay others: they are read back in the meantime, and the failing one is tried with growing delays', () => {
    const script = scripted({ state: rows('a', 'b'), automatic: byHand('fetch code') })
    script.commits(['a', removed()], ['b', removed()])
    fetched(script, 'a', { kind: 'not now' })
    expect(asked(script)).toEqual(['b'])
    fetched(script, 'b', found('b'))
    script.pass(999)
    expect(asked(script)).toEqual([])
    script.pass(1)
    expect(asked(script)).toEqual(['a'])
    fetched(script, 'a', { kind: 'not now' })
    script.pass(1_999)
    expect(asked(script)).toEqual([])
    script.pass(1)
    expect(asked(script)).toEqual(['a'])
    expect(sent(script)).toEqual(['remove b FromApi no plan'])
  })

  test('is owed after half a minute, so that the checkpoint goes on, and fetched again a minute later', () => {
    const script = scripted({ state: rows('a'), automatic: byHand('fetch code') })
    script.commits(['a', removed()])
    for (let failures = 0; script.view.unsubscriptions > 0 && failures < 60; failures++) {
      for (const of of asked(script)) fetched(script, of, { kind: 'not now' })
      script.pass(1_000)
    }
    script.pass(1_000)
    expect(script.store.get(key('a'))?.row.owed).toMatchObject({ reason: 'end', delayMs: 60_000 })
    expect(script.view).toMatchObject({ unsubscriptions: 0, unsettled: 0, entries: 0 })
    expect(script.view.durableLsn).toBe(script.view.receivedLsn)
    const reads = script.count('read rows')
    script.pass(50_000)
    expect(script.count('read rows')).toBe(reads)
    script.pass(15_000)
    // The stream has passed the read, and shows no other row that has the code.
    script.keepalive()
    fetched(script, 'a', found('a'))
    expect(sent(script)).toEqual(['remove a FromApi no plan'])
    expect(script.store.get(key('a'))?.row).toMatchObject({ removed: true, owed: null })
  })

  test.each<[string, FetchedCode]>([['there without a plan', { kind: 'patient', isAsExpected: false, record: null }]])(
    'is not ended because it is %s while a lost request may still subscribe it: it is owed until then',
    (_, answer) => {
      const script = scripted({ automatic: byHand('send', 'fetch code') })
      script.commits(['1', upsert('a')])
      script.commits(['1', upsert('b')])
      script.fail('send')
      script.pass(6_000)
      fetched(script, 'a', answer)
      script.pass(1_000)
      expect(script.store.get(key('1'))?.row).toMatchObject({
        code: 'a',
        owed: { reason: 'confirm end', nextCode: 'b' },
      })
      script.pass(50_000)
      expect([asked(script), script.count('send')]).toEqual([[], 1])
      script.pass(5_000)
      script.keepalive()
      fetched(script, 'a', answer)
      expect(sent(script)).toEqual(['upsert a Jane', 'upsert b Jane'])
    },
  )

  test('is fetched only once the API has applied the accepted patient: an older patient would replace it', () => {
    const script = scripted({ automatic: byHand('fetch code') })
    script.commits(['a', upsert('a')])
    script.commits(['a', removed()])
    script.pass(4_900)
    expect([script.view.unsubscriptions, asked(script)]).toEqual([1, []])
    script.pass(200)
    fetched(script, 'a', found('a'))
    expect(sent(script)).toEqual(['upsert a Jane', 'remove a FromApi no plan'])
  })
})

describe('a patient that mediQuo accepted and does not show', () => {
  /** Answers each GET with a 404 until a time, and notes when it was made, seconds after the first one. */
  function isAbsent(script: Script, untilMs: number): number[] {
    const looks: number[] = []
    for (const firstMs = script.nowMs; script.nowMs - firstMs < untilMs; script.pass(500)) {
      // The stream passes each read, and shows no other row that has the code.
      script.keepalive()
      for (const of of asked(script)) {
        if (of === 'a') looks.push((script.nowMs - firstMs) / 1_000)
        fetched(script, of, { kind: 'absent' })
      }
    }
    return looks
  }

  test('is looked for again at growing intervals, and is a dead letter after five minutes', () => {
    const script = scripted({ state: rows('a'), automatic: byHand('fetch code') })
    script.commits(['a', removed()])
    const looks = isAbsent(script, 280_000)
    expect(looks.length).toBeGreaterThan(8)
    expect(looks[1]).toBeLessThan(4)
    expect(script.store.get(key('a'))?.row).toMatchObject({ removed: false, owed: { reason: 'end' }, deadLetter: null })
    expect(script.view).toMatchObject({ unsettled: 0 })
    isAbsent(script, 100_000)
    expect(script.store.get(key('a'))?.row).toMatchObject({
      ...{ code: 'a', removed: false, owed: null },
      deadLetter: { reason: 'cannot be unsubscribed' },
    })
    expect([sent(script), script.view.entries]).toEqual([[], 0])
  })

  test('is unsubscribed once it is shown', () => {
    const script = scripted({ state: rows('a'), automatic: byHand('fetch code') })
    script.commits(['a', removed()])
    isAbsent(script, 30_000)
    while (asked(script).length === 0) {
      script.pass(1_000)
      script.keepalive()
    }
    fetched(script, 'a', found('a'))
    expect(sent(script)).toEqual(['remove a FromApi no plan'])
    script.pass(1_000)
    expect(script.store.get(key('a'))?.row).toMatchObject({ removed: true, owed: null })
  })

  test('does not keep the new code of its row for ever: the dead letter is of the old one', () => {
    const script = scripted({ state: rows('a'), automatic: byHand('fetch code') })
    script.commits(['a', upsert('b')])
    isAbsent(script, 400_000)
    expect(sent(script)).toEqual(['upsert b Jane'])
    expect(script.store.get(key('a'))?.row).toMatchObject({
      ...{ code: 'b', formerCodes: ['a'], owed: null },
      deadLetter: 'kept',
    })
    expect(script.facts).toContainEqual({ kind: 'end refused', rejection: 'cannot be unsubscribed' })
  })
})

test('a code that cannot be read for five minutes while others can is a dead letter', () => {
  const script = scripted({ state: rows('a'), automatic: byHand('fetch code') })
  script.commits(['a', removed()])
  for (const firstMs = script.nowMs; script.nowMs - firstMs < 500_000; script.pass(1_000)) {
    script.keepalive()
    for (const of of asked(script)) fetched(script, of, of === nobody ? { kind: 'absent' } : { kind: 'not now' })
  }
  expect(script.store.get(key('a'))?.row).toMatchObject({
    deadLetter: { reason: 'cannot be unsubscribed' },
    owed: null,
  })
})

test('a code that cannot be read while none can stays owed', () => {
  const script = scripted({ state: rows('a'), automatic: byHand('fetch code') })
  script.commits(['a', removed()])
  for (const firstMs = script.nowMs; script.nowMs - firstMs < 1_000_000; script.pass(1_000)) {
    script.keepalive()
    for (const of of asked(script)) fetched(script, of, { kind: 'not now' })
  }
  expect(script.store.get(key('a'))?.row).toMatchObject({ deadLetter: null, owed: { reason: 'end' } })
  expect(script.view).toMatchObject({ unsettled: 0 })
})

test('codes that hang take half of the requests in flight, so that others get their turn', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const script = scripted({ state: rows(...names, 'z'), automatic: byHand('fetch code') })
  script.commits(...names.map((name): [string, Content] => [name, removed()]))
  for (const of of asked(script)) fetched(script, of, { kind: 'not now' })
  script.pass(1_000)
  fetched(script, nobody, { kind: 'absent' })
  script.commits(['z', removed()])
  expect(asked(script).filter((of) => names.includes(of))).toHaveLength(4)
  expect(asked(script)).toContain('z')
})

test('discards a patient that was requested before the row was sent again: it is older than the one sent', () => {
  const script = scripted({ state: rows('a'), automatic: byHand('fetch code') })
  script.commits(['a', removed()])
  const { ticket } = script.next('fetch code')
  script.commits(['a', upsert('a', 'Newer')])
  script.commits(['a', removed()])
  script.tell({ kind: 'code fetched', ticket, found: found('a') })
  expect(sent(script)).toEqual(['upsert a Newer'])
  // The earlier GET is over and the API has applied the newer version, so nothing delays the code.
  script.pass(6_000)
  fetched(script, 'a', { kind: 'patient', isAsExpected: false, record: patient('a', 'Newer') })
  expect(sent(script)).toEqual(['upsert a Newer', 'remove a Newer no plan'])
})

describe('codes that the quota of GET does not fetch within seconds', () => {
  const names = Array.from({ length: 30 }, (_, n) => `r${n}`)

  test('are owed: they delay neither the checkpoint nor a code whose patient is known, and are fetched in the end', () => {
    const script = scripted({
      ...{ state: rows(...names, 'full'), automatic: byHand('fetch code') },
      bounds: { recordFetches: 4 },
    })
    script.commits(...names.map((name): [string, Content] => [name, removed()]))
    script.commits(['full', { kind: 'removed', code: code('full'), patient: patient('full', 'Old') }])
    script.pass(3_000)
    expect([script.view.unsubscriptions, sent(script)]).toEqual([4, ['remove full Old no plan']])
    for (let seconds = 0; seconds < 100 && !script.view.isQuiet; seconds++) {
      for (const name of asked(script)) fetched(script, name, found(name))
      script.pass(1_000)
      script.keepalive()
    }
    expect([script.view.isQuiet, new Set(sent(script)).size, sent(script).length]).toEqual([true, 31, 31])
    expect([...script.store.values()].filter(({ row }) => !row.removed || row.owed)).toEqual([])
  })

  test('include a code that may be fetched only much later, when the API takes a minute to apply accepted patients', () => {
    const script = scripted({ automatic: byHand('fetch code') })
    learnsApplyTime(script)
    script.commits(['a', upsert('a')])
    script.commits(['a', removed()])
    script.pass(3_000)
    expect([script.view.unsubscriptions, script.view.unsettled]).toEqual([0, 0])
    expect(script.store.get(key('a'))?.row.owed).toMatchObject({ reason: 'end' })
    script.pass(45_000)
    script.keepalive()
    script.pass(1_000)
    expect(asked(script)).toEqual(['a'])
  })
})
