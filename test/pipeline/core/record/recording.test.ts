import { describe, expect, test } from 'vitest'
import { Progress } from '../../../../src/checkpoint/progress.ts'
import { defaultIntervals } from '../../../../src/model/intervals.ts'
import type { BackfillRunProgress } from '../../../../src/model/progress/backfill-run.ts'
import type { StoredRow } from '../../../../src/model/progress/stored-row.ts'
import type { Lsn } from '../../../../src/model/source/lsn.ts'
import type { Position } from '../../../../src/model/source/position.ts'
import type { Effect } from '../../../../src/pipeline/core/effects.ts'
import type { Ticket } from '../../../../src/pipeline/core/events.ts'
import { Facts } from '../../../../src/pipeline/core/facts.ts'
import { Recording } from '../../../../src/pipeline/core/record/recording.ts'
import { Truncations } from '../../../../src/pipeline/core/stream/truncations.ts'
import { Tickets } from '../../../../src/pipeline/core/tickets.ts'
import { at, delivered, patient, position } from '../../../pending/rows.ts'

interface Stored {
  readonly horizon?: Position | null
  readonly readLsn?: Lsn | null
  readonly random?: number
  readonly isWriter?: boolean
}

/** Creates a recording with one row and one transaction to record, functions that add more, and a log of its effects. */
function recordingScene({ horizon = null, readLsn = null, random = 0, isWriter = true }: Stored = {}) {
  const progress = new Progress(at(10))
  progress.begin(at(20))
  progress.commit(at(30))
  let rows: readonly StoredRow[] = [delivered('a', patient('a'))]
  let pass: BackfillRunProgress | null = null
  let nowMs = 1_000_000
  let writing: Ticket | null = null
  const log: string[] = []
  const truncations = new Truncations({ onTruncate: 'reconcile', facts: new Facts() })
  const sent = { to: null as Position | null, readLsn }
  const recording = new Recording({
    progress,
    pending: {
      get unrecorded() {
        return rows.length
      },
      toRecord: () => rows,
      takenCodes: () => ({ codes: [], inDoubt: [], accepted: [] }),
      recorded: (stored) => {
        log.push(`recorded ${stored.length}`)
        rows = rows.filter((one) => !stored.includes(one))
      },
      get readLsn() {
        return sent.readLsn
      },
      get sentTo() {
        return sent.to
      },
    },
    backfill: {
      ledger: {
        toRecord: () => pass,
        recorded: ({ rowsRead }) => {
          log.push(`recorded ${rowsRead} read`)
          pass = null
        },
      },
      truncations,
    },
    context: { tickets: new Tickets(), random: () => random, intervals: defaultIntervals.core },
    stored: { horizon, readLsn },
    limits: { maxInFlight: 2, requestTimeoutMs: 30_000 },
  })

  function execute(effect: Effect): void {
    if (effect.kind === 'acknowledge') {
      log.push(`acknowledge ${effect.lsn}`)
    } else if (effect.kind === 'record') {
      const { settlement } = effect
      const parts = [`write ${settlement.rows.length} ${settlement.checkpointLsn}`]
      if (settlement.horizon) parts.push(`H ${settlement.horizon.commitLsn}`)
      if (settlement.readLsn !== null) parts.push(`R ${settlement.readLsn}`)
      if (settlement.backfill) parts.push(`rows read ${settlement.backfill.rowsRead}`)
      log.push(parts.join(' '))
      writing = effect.ticket
    } else throw new Error(`recording does not want ${effect.kind}`)
  }
  const scene = {
    recording,
    progress,
    sent,
    get nowMs() {
      return nowMs
    },
    get isIdle() {
      return recording.isIdle(nowMs)
    },
    /** Names the write that must be stored before a request. */
    wanted: () => recording.writeBeforeSending(nowMs),
    /** Executes enabled effects, and returns the log since the last call. */
    log(): string[] {
      const effects: Effect[] = []
      recording.effects(nowMs, effects)
      for (const effect of effects) execute(effect)
      return log.splice(0)
    },
    pass(ms: number) {
      nowMs += ms
      return scene
    },
    stored() {
      if (writing !== null) recording.recorded(writing, [], nowMs)
      writing = null
      return scene
    },
    fails() {
      if (writing !== null) recording.failed(writing, nowMs)
      writing = null
      return scene
    },
    /** Writes everything that is to be recorded. */
    flushed() {
      recording.hurry()
      scene.log()
      scene.stored().log()
      return scene
    },
    /** Writes everything, and begins a lease. */
    leased() {
      scene.wanted()
      scene.log()
      scene.stored().log()
      return scene
    },
    grow: () => {
      rows = [...rows, delivered('b', patient('b'))]
    },
    commit: (end: number, hasChanges = false) => {
      progress.begin(at(end - 10))
      progress.commit(at(end), undefined, hasChanges)
    },
    send: (bytes: number) => {
      sent.to = position(bytes)
    },
    read: (rowsRead: number) => {
      pass = { id: 1, position: null, rowsRead, done: false }
    },
  }
  if (isWriter) recording.activate(nowMs, 0)
  return scene
}

describe('a settled row', () => {
  test('is written together with the position, and only then acknowledged', () => {
    const scene = recordingScene()
    scene.recording.hurry()
    expect(scene.log()).toEqual(['write 1 30'])
    expect(scene.progress.durableLsn).toBe(10n)
    expect(scene.stored().log()).toEqual(['recorded 1', 'acknowledge 30'])
    expect(scene.progress.durableLsn).toBe(30n)
    expect(scene.log()).toEqual([])
  })

  test('is neither acknowledged nor forgotten if the write fails', () => {
    const scene = recordingScene()
    scene.recording.hurry()
    scene.log()
    expect(scene.fails().log()).toEqual([])
    expect(scene.progress.durableLsn).toBe(10n)
    expect(scene.pass(1_000).log()).toEqual(['write 1 30'])
  })

  test('that is settled during a write waits for the next write, which starts after it', () => {
    const scene = recordingScene()
    scene.recording.hurry()
    scene.log()
    scene.grow()
    scene.commit(50)
    scene.recording.hurry()
    expect(scene.log()).toEqual([])
    expect(scene.stored().log()).toEqual(['recorded 1', 'acknowledge 30', 'write 1 50'])
    expect([scene.progress.settledLsn, scene.progress.durableLsn]).toEqual([50n, 30n])
  })

  test('is written immediately after a delivery, otherwise within a second', () => {
    const scene = recordingScene().flushed()
    scene.grow()
    scene.recording.hurry()
    expect(scene.log()).toEqual(['write 1 30'])
    scene.stored().log()
    scene.read(500)
    expect(scene.pass(999).log()).toEqual([])
    expect(scene.recording.nextAtMs(scene.nowMs)).toBe(scene.nowMs + 1)
    expect(scene.pass(1).log()).toEqual(['write 0 30 rows read 500'])
  })

  test('is not written before this instance is the writer', () => {
    const scene = recordingScene({ isWriter: false })
    scene.recording.hurry()
    scene.recording.flush()
    expect([scene.log(), scene.recording.nextAtMs(scene.nowMs), scene.isIdle]).toEqual([[], null, true])
    scene.recording.activate(scene.nowMs, 0)
    expect([scene.log(), scene.isIdle]).toEqual([['write 1 30'], false])
  })
})

test('a position without rows is written ten seconds after the last write, because each write moves it again', () => {
  const scene = recordingScene().flushed()
  for (let end = 50; end < 140; end += 10) {
    scene.commit(end)
    expect(scene.pass(1_000).log()).toEqual([])
  }
  expect(scene.pass(1_000).log()).toEqual(['write 0 130'])
  scene.stored().log()
  scene.commit(150)
  expect(scene.pass(9_000).log()).toEqual([])
  expect(scene.pass(1_000).log()).toEqual(['write 0 150'])
})

test('a position that changes have moved is written within a second, though no row is to be stored', () => {
  const scene = recordingScene().flushed()
  scene.commit(50, true)
  scene.commit(60)
  expect(scene.pass(999).log()).toEqual([])
  expect(scene.recording.nextAtMs(scene.nowMs)).toBe(scene.nowMs + 1)
  expect(scene.pass(1).log()).toEqual(['write 0 60'])
  scene.stored().log()
  scene.commit(70)
  expect(scene.pass(9_000).log()).toEqual([])
})

describe('a position of the backfill', () => {
  test('is written with the rows that were settled for it', () => {
    const scene = recordingScene()
    scene.read(500)
    scene.recording.hurry()
    expect(scene.log()).toEqual(['write 1 30 rows read 500'])
  })

  test('is written even without other news, and the backfill is told that it is stored', () => {
    const scene = recordingScene().flushed()
    scene.read(500)
    scene.recording.hurry()
    expect(scene.log()).toEqual(['write 0 30 rows read 500'])
    expect(scene.stored().log()).toEqual(['recorded 0', 'recorded 500 read', 'acknowledge 30'])
  })
})

describe('the write before a request', () => {
  test('is not the write that is under way: a single one after it notes everything, and H', () => {
    const scene = recordingScene()
    scene.recording.hurry()
    scene.log()
    scene.grow()
    scene.send(40)
    const writes = [scene.wanted(), scene.wanted()]
    expect(writes).toEqual([2, 2])
    expect(scene.recording.isStored(2)).toBe(false)
    expect(scene.stored().log()).toEqual(['recorded 1', 'acknowledge 30', 'write 1 30 H 40'])
    expect(scene.recording.isStored(2)).toBe(false)
    scene.stored()
    expect(scene.recording.isStored(2)).toBe(true)
  })

  test('is omitted if the store has everything already', () => {
    const scene = recordingScene()
    scene.send(40)
    expect(scene.wanted()).toBe(1)
    expect(scene.log()).toEqual(['write 1 30 H 40'])
    scene.stored().log()
    expect([scene.wanted(), scene.log()]).toEqual([null, []])
  })

  test('notes requests that a restart would not count, though the store has everything else', () => {
    const scene = recordingScene().leased()
    scene.recording.requestLeft(scene.nowMs)
    expect(scene.wanted()).toBeNull()
    scene.recording.requestLeft(scene.nowMs)
    expect(scene.wanted()).toBe(2)
    expect(scene.log()).toEqual(['write 0 30'])
    // The request leaves while the note is being written, and is possibly not in it.
    scene.recording.requestLeft(scene.nowMs)
    scene.stored().log()
    expect(scene.wanted()).toBeNull()
    scene.recording.requestLeft(scene.nowMs)
    expect(scene.wanted()).toBe(3)
  })

  test('keeps requests unnoted if it fails', () => {
    const scene = recordingScene().leased()
    for (let request = 0; request < 2; request++) scene.recording.requestLeft(scene.nowMs)
    expect(scene.wanted()).toBe(2)
    scene.log()
    scene.fails()
    expect(scene.wanted()).toBe(3)
  })

  test('lets nothing leave if it fails, and the next write raises H', () => {
    const scene = recordingScene()
    scene.send(40)
    const write = scene.wanted() ?? 0
    expect(scene.log()).toEqual(['write 1 30 H 40'])
    scene.fails()
    expect(scene.recording.isStored(write)).toBe(false)
    expect(scene.wanted()).toBe(write + 1)
    expect(scene.pass(100).log()).toEqual(['write 1 30 H 40'])
  })
})

describe('H and R', () => {
  test.each<[string, Stored, Position | null, Lsn | null, string]>([
    ['stay as they are while nothing was sent', {}, null, null, 'write 1 30'],
    ['rise before the first change leaves', {}, position(40), null, 'write 1 30 H 40'],
    ['rise to a newer change', { horizon: position(40) }, position(50), null, 'write 1 30 H 50'],
    [
      'rise to a later change of the same transaction',
      { horizon: position(40, 3) },
      position(40, 4),
      null,
      'write 1 30 H 40',
    ],
    ['stay if nothing newer was sent', { horizon: position(40, 3) }, position(40, 3), null, 'write 1 30'],
    [
      'rise to a read that may contain something newer',
      { horizon: position(40) },
      position(40),
      at(60),
      'write 1 30 H 40 R 60',
    ],
    [
      'stay if the newest read ended before',
      { horizon: position(60), readLsn: at(50) },
      position(60),
      at(50),
      'write 1 30',
    ],
  ])('%s', (_, stored, sentTo, readLsn, written) => {
    const scene = recordingScene(stored)
    scene.sent.to = sentTo
    if (readLsn !== null) scene.sent.readLsn = readLsn
    scene.recording.hurry()
    expect(scene.log()).toEqual([written])
  })

  test('never decrease: a read that is sent after a restart does not lower H to the position that this run sent', () => {
    const scene = recordingScene({ horizon: position(80) })
    scene.send(40)
    scene.sent.readLsn = at(90)
    scene.recording.hurry()
    expect(scene.log()).toEqual(['write 1 30 H 80 R 90'])
  })

  test('are raised once, not by later records', () => {
    const scene = recordingScene().flushed()
    scene.send(40)
    expect(scene.wanted()).toBe(2)
    expect(scene.log()).toEqual(['write 0 30 H 40'])
    scene.stored().log()
    scene.grow()
    scene.recording.hurry()
    expect(scene.log()).toEqual(['write 1 30'])
  })
})

describe('a store that cannot be written', () => {
  test('is tried again with growing delays, up to ten seconds, and without delay after a success', () => {
    const scene = recordingScene({ random: 0.5 })
    scene.recording.hurry()
    const apart = (failures: number) =>
      Array.from({ length: failures }, () => {
        expect(scene.log().filter((line) => line.startsWith('write'))).toHaveLength(1)
        scene.fails()
        const beganMs = scene.nowMs
        scene.pass((scene.recording.nextAtMs(beganMs) ?? beganMs) - beganMs)
        return scene.nowMs - beganMs
      })
    expect(apart(8)).toEqual([200, 300, 500, 900, 1_700, 3_300, 5_100, 5_100])
    expect(scene.recording.isFailing).toBe(true)
    scene.log()
    scene.stored().log()
    expect(scene.recording.isFailing).toBe(false)
  })

  test('delays a drain until everything is stored, also a position without rows', () => {
    const scene = recordingScene().flushed()
    scene.recording.flush()
    expect(scene.isIdle).toBe(true)
    scene.commit(50)
    expect(scene.log()).toEqual(['write 0 50'])
    scene.fails()
    expect(scene.isIdle).toBe(false)
    scene.pass(1_000).log()
    expect(scene.stored().isIdle).toBe(false)
    expect([scene.log(), scene.isIdle]).toEqual([['recorded 0', 'acknowledge 50'], true])
  })
})
