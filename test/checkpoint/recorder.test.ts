import { describe, expect, test, vi } from 'vitest'
import { Horizon } from '../../src/checkpoint/horizon.ts'
import { Progress } from '../../src/checkpoint/progress.ts'
import { Recorder } from '../../src/checkpoint/recorder.ts'
import { WakeUp } from '../../src/lifecycle/wake-up.ts'
import { lsn } from '../../src/model/lsn.ts'
import type { PassProgress } from '../../src/model/pass.ts'
import type { Position } from '../../src/model/position.ts'
import { storedRowKey } from '../../src/model/row.ts'
import type { StoredRow } from '../../src/model/stored-row.ts'

const row = (key: string): StoredRow => ({
  key: storedRowKey(key),
  code: null,
  fingerprint: null,
  removed: false,
  position: null,
  xid: null,
  deadLetter: null,
})

function setUp(write: () => Promise<void>) {
  const progress = new Progress(lsn(10n))
  progress.begin(lsn(20n))
  progress.commit(lsn(30n))
  let rows: readonly StoredRow[] = [row('["a"]')]
  const log: string[] = []
  const wakeUp = new WakeUp()
  let pass: PassProgress | null = null
  let received: Position | null = null
  let mustBeNoted = false
  const recorder = new Recorder({
    progress,
    pending: {
      get unrecorded() {
        return rows.length
      },
      toRecord: () => rows,
      recorded: (stored) => {
        log.push('recorded')
        rows = rows.filter((one) => !stored.includes(one))
      },
    },
    pass: {
      toRecord: () => pass,
      recorded: () => {
        pass = null
      },
    },
    horizon: new Horizon({ durable: null, received: () => received, readTo: () => null }),
    requests: {
      get mustBeNoted() {
        return mustBeNoted
      },
    },
    write: async (settlement) => {
      const { rows: stored, checkpointLsn, horizon } = settlement
      log.push(
        `write ${stored.length} ${checkpointLsn}${horizon ? ` H ${horizon.commitLsn}` : ''}${settlement.pass ? ` rows read ${settlement.pass.rowsRead}` : ''}`,
      )
      await write()
      mustBeNoted = false
    },
    onDurable: (durable) => log.push(`acknowledge ${durable}`),
    onTrouble: () => log.push('trouble'),
    isFatal: (error) => error instanceof RangeError,
    wakeUp,
    random: () => 0,
  })
  return {
    recorder,
    progress,
    log,
    wakeUp,
    grow: () => {
      rows = [...rows, row('["b"]')]
    },
    receive: (bytes: number) => {
      received = { commitLsn: lsn(BigInt(bytes)), ordinal: 1 }
    },
    sendUnnoted: () => {
      mustBeNoted = true
    },
    read: (rowsRead: number) => {
      pass = { id: 1, position: null, rowsRead, done: false }
    },
  }
}

test('rows and position are written together, and only then acknowledged', async () => {
  const { recorder, log, progress } = setUp(async () => undefined)
  await recorder.flush()
  expect(log).toEqual(['write 1 30', 'recorded', 'acknowledge 30'])
  expect(progress.durableLsn).toBe(30n)
})

test('a write that fails acknowledges nothing and forgets nothing', async () => {
  const { recorder, log, progress } = setUp(() => Promise.reject(new Error('down')))
  await expect(recorder.flush()).rejects.toThrow('down')
  expect(log).toEqual(['write 1 30'])
  expect(progress.durableLsn).toBe(10n)
})

test('what is settled while a write is under way waits for the next', async () => {
  let first = true
  const set = setUp(async () => {
    if (first) set.grow()
    first = false
  })
  await set.recorder.flush()
  await set.recorder.flush()
  expect(set.log.filter((line) => line.startsWith('write'))).toEqual(['write 1 30', 'write 1 30'])
})

test('a state that cannot be written is tried again; another instance that has taken over ends it', async () => {
  let attempts = 0
  const { recorder, log, wakeUp } = setUp(async () => {
    attempts++
    throw attempts === 1 ? new Error('down') : new RangeError('fenced')
  })
  wakeUp.ring()
  await expect(recorder.run(new AbortController().signal)).rejects.toThrow('fenced')
  expect(log.filter((line) => line === 'trouble')).toHaveLength(1)
})

test('what is settled while a write is under way is not acknowledged by it', async () => {
  const { recorder, progress, log } = setUp(async () => {
    progress.begin(lsn(40n))
    progress.commit(lsn(50n))
  })
  await recorder.flush()
  expect(log.at(-1)).toBe('acknowledge 30')
  expect([progress.settledLsn, progress.durableLsn]).toEqual([50n, 30n])
})

test('a position of the backfill is written with the rows that were settled for it', async () => {
  const { recorder, log, read } = setUp(async () => undefined)
  read(500)
  await recorder.flush()
  await recorder.flush()
  expect(log.filter((line) => line.startsWith('write'))).toEqual(['write 1 30 rows read 500'])
})

describe('before something is sent', () => {
  test('what is about to leave is written, with the horizon; once for all who come meanwhile', async () => {
    let release: () => void = () => undefined
    const set = setUp(() => new Promise((resolve) => (release = () => resolve())))
    const first = set.recorder.flush()
    await vi.waitUntil(() => set.log.length === 1)
    set.grow()
    set.receive(40)
    const waiting = [set.recorder.beforeSending(), set.recorder.beforeSending()]
    const left: string[] = []
    for (const each of waiting) void each.then(() => left.push('sent'))
    release()
    await first
    expect(left).toEqual([])
    await vi.waitUntil(() => set.log.filter((line) => line.startsWith('write')).length === 2)
    release()
    await Promise.all(waiting)
    expect(set.log.filter((line) => line.startsWith('write'))).toEqual(['write 1 30', 'write 1 30 H 40'])
  })

  test('nothing is written if the state says all of it already', async () => {
    const { recorder, log, receive } = setUp(async () => undefined)
    receive(40)
    await recorder.beforeSending()
    await recorder.beforeSending()
    expect(log.filter((line) => line.startsWith('write'))).toEqual(['write 1 30 H 40'])
  })

  test('requests that a restart would not count are noted, though the state says all else already', async () => {
    const { recorder, log, sendUnnoted } = setUp(async () => undefined)
    await recorder.beforeSending()
    sendUnnoted()
    await recorder.beforeSending()
    await recorder.beforeSending()
    expect(log.filter((line) => line.startsWith('write'))).toEqual(['write 1 30', 'write 0 30'])
  })

  test('the horizon is not raised by what is recorded without being sent', async () => {
    const { recorder, log, receive } = setUp(async () => undefined)
    receive(40)
    await recorder.flush()
    expect(log[0]).toBe('write 1 30')
  })

  test('a write that fails lets nothing leave, and raises the horizon with the next', async () => {
    let fails = true
    const { recorder, log, receive } = setUp(async () => {
      if (fails) throw new Error('down')
    })
    receive(40)
    await expect(recorder.beforeSending()).rejects.toThrow('down')
    fails = false
    await recorder.beforeSending()
    expect(log.slice(0, 2)).toEqual(['write 1 30 H 40', 'write 1 30 H 40'])
  })
})
