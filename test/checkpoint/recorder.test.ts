import { expect, test } from 'vitest'
import { Progress } from '../../src/checkpoint/progress.ts'
import { Recorder } from '../../src/checkpoint/recorder.ts'
import { WakeUp } from '../../src/lifecycle/wake-up.ts'
import { lsn } from '../../src/model/lsn.ts'
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
    write: async (stored, checkpointLsn) => {
      log.push(`write ${stored.length} ${checkpointLsn}`)
      await write()
    },
    onDurable: (durable) => log.push(`acknowledge ${durable}`),
    onTrouble: () => log.push('trouble'),
    isFatal: (error) => error instanceof RangeError,
    wakeUp,
    random: () => 0,
  })
  return { recorder, progress, log, wakeUp, grow: () => (rows = [...rows, row('["b"]')]) }
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
