import { describe, expect, test } from 'vitest'
import { afterFetch } from '../../../../src/pipeline/core/delivery/after-fetch.ts'
import type { FetchedCode } from '../../../../src/pipeline/core/events.ts'
import { code, patient } from '../../../pending/rows.ts'

const nowMs = 1_000_000
const absent: FetchedCode = { kind: 'absent' }
const notNow: FetchedCode = { kind: 'not now' }
const found = (record: 'record' | 'unsubscribed'): FetchedCode => ({
  kind: 'patient',
  isAsExpected: false,
  record: record === 'record' ? patient('a') : null,
})

interface Given {
  readonly isAccepted?: boolean
  /** Time for which the patient was looked for in vain; null: it was not. */
  readonly soughtForMs?: number | null
  readonly lostForMs?: number
  readonly subscribesForMs?: number
  readonly isReadable?: boolean
}

/** Decides, with times relative to now. */
function decide(answer: FetchedCode, given: Given = {}) {
  const { isAccepted = true, soughtForMs = null, lostForMs = -1, subscribesForMs = -1, isReadable = true } = given
  const soughtSinceMs = soughtForMs === null ? null : nowMs - soughtForMs
  const confirming = { lostUntilMs: () => nowMs + lostForMs, subscribesUntilMs: () => nowMs + subscribesForMs }
  const context = { confirming, isReadable, nowMs }
  const next = afterFetch({ code: code('a'), isAccepted, soughtSinceMs }, answer, context)
  if (next.kind === 'resolved') return next.end.kind
  const since = next.soughtSinceMs === null ? 'nothing' : `${nowMs - next.soughtSinceMs} ms`
  return next.kind === 'repeat' ? `repeat, sought for ${since}` : `again in ${next.delayMs} ms, sought for ${since}`
}

describe('a patient that is shown', () => {
  test('is unsubscribed with its record', () => {
    expect(decide(found('record'), { soughtForMs: 5_000 })).toBe('send')
  })

  test('as unsubscribed is believed once nothing that was accepted or lost can subscribe it', () => {
    expect(decide(found('unsubscribed'), { subscribesForMs: 40_000 })).toBe('again in 40000 ms, sought for nothing')
    expect(decide(found('unsubscribed'), { subscribesForMs: 0 })).toBe('ended')
  })
})

describe('a patient that is not shown', () => {
  test('does not exist if mediQuo accepted nothing of it and no lost request may create it', () => {
    expect(decide(absent, { isAccepted: false, lostForMs: 0 })).toBe('ended')
    expect(decide(absent, { isAccepted: false, lostForMs: 30_000 })).toBe('again in 30000 ms, sought for nothing')
  })

  test.each([
    [null, 'again in 1000 ms, sought for 0 ms'],
    [1_000, 'again in 1000 ms, sought for 1000 ms'],
    [3_000, 'again in 3000 ms, sought for 3000 ms'],
    [64_000, 'again in 60000 ms, sought for 64000 ms'],
    [299_999, 'again in 60000 ms, sought for 299999 ms'],
    [300_000, 'unknown'],
  ])('is looked for again if mediQuo accepted it: after %s ms', (soughtForMs, next) => {
    expect(decide(absent, { soughtForMs })).toBe(next)
  })

  test('is looked for while a lost request may create it', () => {
    expect(decide(absent, { soughtForMs: 300_000, lostForMs: 1 })).toBe('again in 60000 ms, sought for 300000 ms')
  })
})

describe('a patient that cannot be read', () => {
  test('is a dead letter once it could not be read for five minutes while others could', () => {
    expect(decide(notNow)).toBe('repeat, sought for 0 ms')
    expect(decide(notNow, { soughtForMs: 299_999 })).toBe('repeat, sought for 299999 ms')
    expect(decide(notNow, { soughtForMs: 300_000 })).toBe('unknown')
  })

  test('is not, while no other can be read either: the time begins again', () => {
    expect(decide(notNow, { soughtForMs: 300_000, isReadable: false })).toBe('repeat, sought for nothing')
  })
})
