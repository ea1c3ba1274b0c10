import { describe, expect, test } from 'vitest'
import { Confirmations } from '../../src/delivery/confirmations.ts'
import { patientCode } from '../../src/model/patient/patient.ts'

const [x, y] = [patientCode('x'), patientCode('y')]

describe('a request without an answer', () => {
  test('may be applied until it is over', () => {
    const confirmations = new Confirmations({ overAfterMs: 60_000 })
    confirmations.beganAt(-60_000)
    expect(confirmations.isLost(x, 0)).toBe(false)
    confirmations.lost(x, 1_000)
    expect([60_999, 61_000].map((atMs) => confirmations.isLost(x, atMs))).toEqual([true, false])
    expect([60_999, 61_000].map((atMs) => confirmations.isOver(x, atMs))).toEqual([false, true])
    expect(confirmations.isLost(y, 1_000)).toBe(false)
    expect(confirmations.isOver(y, 1_000)).toBe(true)
  })

  test('of an earlier process may be applied for the same time after this one began', () => {
    const confirmations = new Confirmations({ overAfterMs: 60_000 })
    // Until it is the only sender, no time is known.
    expect(confirmations.isOver(x, 1_000_000)).toBe(false)
    confirmations.beganAt(1_000)
    confirmations.beganAt(50_000)
    expect([60_999, 61_000].map((atMs) => confirmations.isOver(x, atMs))).toEqual([false, true])
    // One of this process is later than those.
    confirmations.lost(x, 10_000)
    expect([69_999, 70_000].map((atMs) => confirmations.isOver(x, atMs))).toEqual([false, true])
    expect(confirmations.isOver(y, 61_000)).toBe(true)
  })

  test('is forgotten once it has been over for the same time', () => {
    const confirmations = new Confirmations({ overAfterMs: 60_000 })
    confirmations.beganAt(1_000_000)
    confirmations.lost(x, 0)
    confirmations.lost(y, 119_999)
    expect(confirmations.isOver(x, 60_000)).toBe(true)
    confirmations.lost(y, 120_000)
    // Only the start of the process counts for it now.
    expect(confirmations.isOver(x, 1_059_999)).toBe(false)
  })
})
