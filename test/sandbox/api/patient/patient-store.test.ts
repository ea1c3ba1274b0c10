import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { apiDate, applyPatient, PatientStore } from '../../../../src/sandbox/api/patient/patient-store.ts'

const bob = { code: 'bob', first_name: 'Bob', gender: 'male', birth_date: '1980-01-01', plan: null }
const first = '2026-01-01 10:00:00+0000'
const later = '2026-02-01 10:00:00+0000'

describe('a patient that is applied', () => {
  test('has every documented attribute, blank if it was not sent', () => {
    expect(applyPatient(undefined, { ...bob, plan: 'premium' }, first)).toEqual({
      ...bob,
      plan: 'premium',
      last_name: null,
      email: null,
      created_at: first,
      updated_at: first,
      unsubscribed_at: null,
    })
  })

  test('keeps attributes that are not sent and loses those sent as null', () => {
    const old = applyPatient(undefined, { ...bob, last_name: 'Doe', email: 'bob@doe.com', phone: '+34' }, first)
    expect(applyPatient(old, { ...bob, email: null }, later)).toMatchObject({
      last_name: 'Doe',
      email: null,
      phone: '+34',
      created_at: first,
      updated_at: later,
    })
  })

  test('is unsubscribed by a request without a plan and subscribed again by one with it', () => {
    const subscribed = applyPatient(undefined, { ...bob, plan: 'premium' }, first)
    const unsubscribed = applyPatient(subscribed, bob, later)
    expect(unsubscribed).toMatchObject({ plan: null, unsubscribed_at: later })
    expect(applyPatient(unsubscribed, { ...bob, plan: 'basic' }, later)).toMatchObject({
      plan: 'basic',
      unsubscribed_at: null,
    })
  })

  test('stays unsubscribed since the first request without a plan', () => {
    expect(applyPatient(applyPatient(undefined, bob, first), bob, later).unsubscribed_at).toBe(first)
  })
})

test('has dates in UTC in the documented form', () => {
  expect(apiDate(Date.UTC(2000, 0, 1, 10, 0, 0, 123))).toBe('2000-01-01 10:00:00+0000')
})

describe('the queue', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function storeWithDelays(delaysMs: number[]): PatientStore {
    return new PatientStore({ applyDelayMs: () => delaysMs.shift() ?? 0, nowMs: () => Date.now(), historyLength: 10 })
  }

  test('applies nothing before its delay', () => {
    const store = storeWithDelays([50])
    store.accept(1, [bob])
    vi.advanceTimersByTime(49)
    expect([store.patients.size, store.queuedRequests]).toEqual([0, 1])
    vi.advanceTimersByTime(1)
    expect([store.patients.size, store.queuedRequests]).toEqual([1, 0])
  })

  test('applies two requests in reverse order if the second has the shorter delay', () => {
    const store = storeWithDelays([50, 10])
    store.accept(1, [{ ...bob, first_name: 'older' }])
    store.accept(2, [{ ...bob, first_name: 'newer' }])
    vi.runAllTimers()
    expect(store.patients.get('bob')?.first_name).toBe('older')
    expect(store.history.map(({ order, requestId, codes }) => ({ order, requestId, codes }))).toEqual([
      { order: 1, requestId: 2, codes: ['bob'] },
      { order: 2, requestId: 1, codes: ['bob'] },
    ])
  })

  test('reports when everything is applied', async () => {
    const store = storeWithDelays([10, 20])
    store.accept(1, [bob])
    store.accept(2, [{ ...bob, code: 'other' }])
    let told = false
    const all = store.applied().then(() => {
      told = true
    })
    await vi.advanceTimersByTimeAsync(10)
    expect(told).toBe(false)
    await vi.advanceTimersByTimeAsync(10)
    await all
    expect(store.patients.size).toBe(2)
  })

  test('discards pending requests when it is cleared', () => {
    const store = storeWithDelays([10])
    store.accept(1, [bob])
    store.clear()
    vi.runAllTimers()
    expect(store.patients.size).toBe(0)
  })
})
