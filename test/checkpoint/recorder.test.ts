import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { lsn } from '../../src/model/lsn.ts'
import { recording } from './recording.ts'

test('rows and position are written together, and only then acknowledged', async () => {
  const { recorder, log, progress } = recording(async () => undefined)
  await recorder.flush()
  expect(log).toEqual(['write 1 30', 'recorded', 'acknowledge 30'])
  expect(progress.durableLsn).toBe(30n)
})

test('a write that fails acknowledges nothing and forgets nothing', async () => {
  const { recorder, log, progress } = recording(() => Promise.reject(new Error('down')))
  await expect(recorder.flush()).rejects.toThrow('down')
  expect(log).toEqual(['write 1 30'])
  expect(progress.durableLsn).toBe(10n)
})

test('what is settled while a write is under way waits for the next', async () => {
  let first = true
  const set = recording(async () => {
    if (first) set.grow()
    first = false
  })
  await set.recorder.flush()
  await set.recorder.flush()
  expect(set.log.filter((line) => line.startsWith('write'))).toEqual(['write 1 30', 'write 1 30'])
})

test('a state that cannot be written is tried again; another instance that has taken over ends it', async () => {
  let attempts = 0
  const { recorder, log, wakeUp } = recording(async () => {
    attempts++
    throw attempts === 1 ? new Error('down') : new RangeError('fenced')
  })
  wakeUp.ring()
  await expect(recorder.run(new AbortController().signal)).rejects.toThrow('fenced')
  expect(log.filter((line) => line === 'trouble')).toHaveLength(1)
})

test('what is settled while a write is under way is not acknowledged by it', async () => {
  const { recorder, progress, log } = recording(async () => {
    progress.begin(lsn(40n))
    progress.commit(lsn(50n))
  })
  await recorder.flush()
  expect(log.at(-1)).toBe('acknowledge 30')
  expect([progress.settledLsn, progress.durableLsn]).toEqual([50n, 30n])
})

test('a position of the backfill is written with the rows that were settled for it', async () => {
  const { recorder, log, read } = recording(async () => undefined)
  read(500)
  await recorder.flush()
  await recorder.flush()
  expect(log.filter((line) => line.startsWith('write'))).toEqual(['write 1 30 rows read 500'])
})

describe('before something is sent', () => {
  test('what is about to leave is written, with the horizon; once for all who come meanwhile', async () => {
    let release: () => void = () => undefined
    const set = recording(() => new Promise((resolve) => (release = () => resolve())))
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
    const { recorder, log, receive } = recording(async () => undefined)
    receive(40)
    await recorder.beforeSending()
    await recorder.beforeSending()
    expect(log.filter((line) => line.startsWith('write'))).toEqual(['write 1 30 H 40'])
  })

  test('requests that a restart would not count are noted, though the state says all else already', async () => {
    const { recorder, log, sendUnnoted } = recording(async () => undefined)
    await recorder.beforeSending()
    sendUnnoted()
    await recorder.beforeSending()
    await recorder.beforeSending()
    expect(log.filter((line) => line.startsWith('write'))).toEqual(['write 1 30', 'write 0 30'])
  })

  test('the horizon is not raised by what is recorded without being sent', async () => {
    const { recorder, log, receive } = recording(async () => undefined)
    receive(40)
    await recorder.flush()
    expect(log[0]).toBe('write 1 30')
  })

  test('a write that fails lets nothing leave, and raises the horizon with the next', async () => {
    let fails = true
    const { recorder, log, receive } = recording(async () => {
      if (fails) throw new Error('down')
    })
    receive(40)
    await expect(recorder.beforeSending()).rejects.toThrow('down')
    fails = false
    await recorder.beforeSending()
    expect(log.slice(0, 2)).toEqual(['write 1 30 H 40', 'write 1 30 H 40'])
  })

  test('the horizon is raised once, not by what is recorded afterwards', async () => {
    const { recorder, writes, receive, grow } = recording(async () => undefined)
    await recorder.flush()
    receive(40)
    await recorder.beforeSending()
    receive(60)
    grow()
    await recorder.flush()
    expect(writes()).toEqual(['write 1 30', 'write 0 30 H 40', 'write 1 30'])
  })
})

test('a page of the backfill is written though nothing else is new, and is told that it is', async () => {
  const { recorder, log, read } = recording(async () => undefined)
  await recorder.flush()
  log.length = 0
  await recorder.flush()
  expect(log).toEqual([])
  read(500)
  await recorder.flush()
  expect(log).toEqual(['write 0 30 rows read 500', 'recorded', 'recorded 500 read', 'acknowledge 30'])
})

describe('while it runs', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** A recorder that has written what there was, and runs. */
  async function running(write: () => Promise<void> = async () => undefined, random?: number) {
    const set = recording(write, random)
    await set.recorder.flush().catch(() => undefined)
    set.log.length = 0
    const stop = new AbortController()
    const ended = set.recorder.run(stop.signal)
    return {
      ...set,
      signal: stop.signal,
      async stop() {
        stop.abort()
        await ended
      },
    }
  }

  test('what was delivered is written at once, what no delivery hurries within a second', async () => {
    const { grow, read, wakeUp, writes, stop } = await running()
    grow()
    wakeUp.ring()
    await vi.advanceTimersByTimeAsync(0)
    expect(writes()).toEqual(['write 1 30'])
    read(500)
    await vi.advanceTimersByTimeAsync(999)
    expect(writes()).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(writes().at(-1)).toBe('write 0 30 rows read 500')
    await stop()
  })

  test('a position that moves alone is written ten seconds after the last write: each write moves it again', async () => {
    const { commit, writes, stop } = await running()
    for (let end = 50; end < 140; end += 10) {
      commit(end)
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(writes()).toEqual([])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(writes()).toEqual(['write 0 130'])
    commit(150)
    await vi.advanceTimersByTimeAsync(9_000)
    expect(writes()).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(writes()).toEqual(['write 0 130', 'write 0 150'])
    await stop()
  })

  test('it ends at once when it is told to, writes nothing more, and leaves nothing behind on the signal', async () => {
    const { grow, signal, writes, stop } = await running()
    await vi.advanceTimersByTimeAsync(0)
    grow()
    await stop()
    expect([writes(), getEventListeners(signal, 'abort')]).toEqual([[], []])
  })

  test('a state that cannot be written is tried again ever more seldom, up to ten seconds, and as before once it can', async () => {
    const atMs: number[] = []
    let fails = true
    const { recorder, wakeUp, grow, stop } = await running(async () => {
      atMs.push(performance.now())
      if (fails) throw new Error('down')
    }, 0.5)
    const begun = atMs.length
    expect(recorder.failing).toBe(false)
    wakeUp.ring()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(recorder.failing).toBe(true)
    const apart = () => atMs.slice(begun).map((at, index, all) => at - (all[index - 1] ?? at))
    expect(apart()).toEqual([0, 200, 300, 500, 900, 1_700, 3_300, 5_100, 5_100])
    fails = false
    await vi.advanceTimersByTimeAsync(6_000)
    expect(recorder.failing).toBe(false)
    atMs.length = 0
    fails = true
    grow()
    wakeUp.ring()
    await vi.advanceTimersByTimeAsync(250)
    expect(atMs.map((at) => at - (atMs[0] ?? 0))).toEqual([0, 200])
    await stop()
  })
})
