import { describe, expect, test } from 'vitest'
import type { BatchOutcome } from '../../../../src/delivery/outcome.ts'
import { key, upsert } from '../../../pending/rows.ts'
import { everything, type Script, type ScriptOptions, scripted } from '../scripted.ts'

const timeout: BatchOutcome = { kind: 'retry', reason: 'timeout', inDoubt: true, status: null }
const lostAtMs = 100_000
const automatic = everything.filter((kind) => kind !== 'send' && kind !== 'fetch code')

/** Lets these rows be accepted after an unanswered request for them: an older version may be applied later. */
function inDoubt(names: readonly string[], options: ScriptOptions = {}): Script {
  const script = scripted({ ...options, automatic })
  for (const name of names) {
    script.commits([name, upsert(name)])
    script.tell({ kind: 'answered', ticket: script.next('send').ticket, outcome: timeout })
    while (script.asked('send').length === 0) script.pass(1_000)
    script.answer('send')
  }
  return script
}
const fetched = (script: Script, isAsExpected: boolean) => {
  const { ticket } = script.next('fetch code')
  script.tell({ kind: 'code fetched', ticket, found: { kind: 'patient', isAsExpected, record: null } })
}
const rowOf = (script: Script, name: string) => script.store.get(key(name))?.row

describe('a patient that was accepted in doubt', () => {
  test('is read back once it must have been applied, and confirmed once no lost request can be applied any more', () => {
    const script = inDoubt(['a'])
    expect([script.view.readBacks, rowOf(script, 'a')?.fingerprint]).toEqual([1, null])
    expect(script.asked('fetch code')).toEqual([])
    script.pass(5_000)
    expect(script.next('fetch code')).toMatchObject({ code: 'a', expected: { code: 'a', first_name: 'Jane' } })
    fetched(script, true)
    for (let looks = 0; looks < 2; looks++) {
      expect([script.view.readBacks, script.asked('fetch code')]).toEqual([1, []])
      while (script.asked('fetch code').length === 0) script.pass(100)
      if (looks === 0) fetched(script, true)
    }
    expect(script.nowMs).toBeGreaterThanOrEqual(lostAtMs + 60_000)
    fetched(script, true)
    script.pass(1_000)
    expect([script.view.readBacks, rowOf(script, 'a')?.fingerprint]).toEqual([0, expect.stringContaining('Jane')])
  })

  test('is read from the table and sent again if an older version was applied after it', () => {
    const script = inDoubt(['a'])
    for (let look = 0; look < 3; look++) {
      script.pass(60_000)
      fetched(script, false)
    }
    script.pass(1_000)
    expect(script.facts.filter(({ kind }) => kind === 'overtaken')).toHaveLength(1)
    expect([script.count('read rows'), script.asked('send')]).toEqual([1, [expect.anything()]])
  })

  test('is read back later if the API does not answer', () => {
    const script = inDoubt(['a'])
    script.pass(5_000)
    const { ticket } = script.next('fetch code')
    script.tell({ kind: 'code fetched', ticket, found: { kind: 'not now' } })
    expect(script.asked('fetch code')).toEqual([])
    script.pass(6_000)
    expect(script.asked('fetch code')).toHaveLength(1)
  })
})

test('owes patients that it has no room to read back, and sends them again later', () => {
  const script = inDoubt(['a', 'b', 'c'], { bounds: { readBacks: 2 } })
  script.pass(1_000)
  expect(script.view.readBacks).toBe(2)
  const owed = ['a', 'b', 'c'].map((name) => rowOf(script, name)?.owed?.reason)
  expect(owed).toEqual(['confirm', 'confirm', 'confirm'])
  expect(rowOf(script, 'c')?.owed?.delayMs).toBe(60_000)
  const before = script.count('read rows')
  script.pass(70_000)
  expect(script.count('read rows')).toBeGreaterThan(before)
})

test('reads a patient back when it is due, though an earlier read-back is in flight', () => {
  const script = inDoubt(['a', 'b'])
  script.pass(4_500)
  expect(script.asked('fetch code').map(({ code }) => code)).toEqual(['a'])
  // Nothing else happens, and no other wake-up is due sooner.
  expect(script.wakeAtMs).not.toBeNull()
  expect((script.wakeAtMs ?? 0) - script.nowMs).toBeLessThanOrEqual(1_000)
  script.pass(1_000)
  expect(script.asked('fetch code').map(({ code }) => code)).toEqual(['a', 'b'])
})
