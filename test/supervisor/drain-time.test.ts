import { describe, expect, test } from 'vitest'
import { lsn } from '../../src/model/source/lsn.ts'
import { StreamDensity, secondsToDrain, undelivered } from '../../src/supervisor/drain-time.ts'

const quota = { batchSize: 100, requestsPerMinute: 600 }

function pipeline({ received = 0n, isTransactionOpen = false, isPaused = false, live = 0, inFlight = 0 } = {}) {
  const viewed = { receivedLsn: lsn(received), isTransactionOpen, isPaused, waiting: { live } }
  const view = { ...viewed, patientsInFlight: inFlight, trouble: null }
  return { current: view, view: () => view }
}

describe('undelivered changes', () => {
  test('are the rows in memory, and the WAL that was not received', () => {
    const running = pipeline({ received: 1_000n, live: 150, inFlight: 50 })
    expect(undelivered(running, { currentLsn: lsn(5_000n), lagBytes: 4_500 })).toEqual({
      rows: 200,
      unreadBytes: 4_000,
    })
  })

  test('are everything unconfirmed if there is no pipeline', () => {
    expect(undelivered(null, { currentLsn: lsn(5_000n), lagBytes: 4_500 })).toEqual({ rows: 0, unreadBytes: 4_500 })
  })

  test('are unknown during a transaction that does not fit in memory', () => {
    const large = pipeline({ isPaused: true, isTransactionOpen: true, live: 20_000 })
    expect(undelivered(large, { currentLsn: lsn(5_000n), lagBytes: 4_500 })).toBeNull()
  })
})

describe('the time to deliver them', () => {
  test('is that of their batches at the quota', () => {
    expect(secondsToDrain({ rows: 60_000, unreadBytes: 0 }, null, quota)).toBe(60)
    expect(secondsToDrain({ rows: 101, unreadBytes: 0 }, null, { batchSize: 100, requestsPerMinute: 1 })).toBe(120)
    expect(secondsToDrain({ rows: 0, unreadBytes: 0 }, null, quota)).toBe(0)
  })

  test('assumes as many rows for each byte in the rest of the WAL as so far', () => {
    expect(secondsToDrain({ rows: 1_000, unreadBytes: 1_000_000 }, 0.059, quota)).toBe(60)
  })

  test('is unknown as long as no WAL has been received', () => {
    expect(secondsToDrain({ rows: 1_000, unreadBytes: 1 }, null, quota)).toBeNull()
    expect(secondsToDrain(null, 1, quota)).toBeNull()
  })
})

describe('rows per byte of WAL', () => {
  test('count everything received since the start, over several pipelines', () => {
    const density = new StreamDensity()
    expect(density.rowsPerByte).toBeNull()
    const first = pipeline({ received: 1_000n })
    density.look(first, 5)
    Object.assign(first.current, { receivedLsn: lsn(3_000n) })
    density.look(first, 25)
    expect(density.rowsPerByte).toBe(0.01)
    // The next pipeline begins at its checkpoint: repeated changes count in both numbers.
    const second = pipeline({ received: 2_000n })
    density.look(second, 25)
    Object.assign(second.current, { receivedLsn: lsn(4_000n) })
    density.look(second, 45)
    expect(density.rowsPerByte).toBe(0.01)
  })

  test('leave out a transaction without its end, whose rows have arrived and whose bytes do not count yet', () => {
    const density = new StreamDensity()
    const running = pipeline({ received: 1_000n })
    density.look(running, 0)
    Object.assign(running.current, { receivedLsn: lsn(2_000n), isTransactionOpen: true })
    density.look(running, 20_000)
    expect(density.rowsPerByte).toBeNull()
    Object.assign(running.current, { receivedLsn: lsn(2_001_000n), isTransactionOpen: false })
    density.look(running, 40_000)
    expect(density.rowsPerByte).toBe(0.02)
  })
})
