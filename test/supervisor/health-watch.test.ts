import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { lsn } from '../../src/model/source/lsn.ts'
import type { TableSchema } from '../../src/model/source/table-schema.ts'
import { xid } from '../../src/model/source/visibility.ts'
import type { SlotHealth } from '../../src/source/slot/slot-health.ts'
import type { TableAlteration } from '../../src/source/table/table-alteration.ts'
import { createHealthWatch, type WatchedBoard } from '../../src/supervisor/health-watch.ts'

const healthy: SlotHealth = {
  systemIdentifier: '7',
  databaseOid: '5',
  timeline: 1,
  isStandby: false,
  currentLsn: lsn(900n),
  snapshotXmin: xid(800n),
  snapshotXmax: xid(800n),
  lagBytes: 0,
  retainedBytes: 0,
  walStatus: 'reserved',
  confirmedFlushLsn: lsn(200n),
  publicationOid: '17',
  safeBytes: null,
  idle: null,
  isActive: true,
}
const gone: SlotHealth = { ...healthy, walStatus: 'missing', confirmedFlushLsn: null }

const tableSchema: TableSchema = {
  table: '1',
  publication: '17 5',
  isListed: true,
  identity: 'd',
  key: [],
  columns: { name: { type: '1 25', labels: {}, writtenBy: '5' } },
  storage: { '1': { attached: '', persistence: 'p', writtenBy: '5', file: '1', toast: '2' } },
  xmin: '700',
}
const altered: TableAlteration = { kind: 'altered', what: 'it is gone' }

/** Creates a pipeline that records the errors that end it. */
function pipeline(stored = 200n, isPaused = false) {
  const ended: unknown[] = []
  const disconnected: string[] = []
  return {
    ended,
    disconnected,
    disconnect: (end: string) => void disconnected.push(end),
    isStuck: () => false,
    breakOff: (error: unknown) => void ended.push(error),
    view: () => ({ durableLsn: lsn(stored), isPaused }),
  }
}

/** Creates a watch whose server answers when the test says so. */
function watched(state: WatchedBoard['state'], first: ReturnType<typeof pipeline> | null) {
  const questions: { resolve: (health: SlotHealth) => void; reject: (error: Error) => void }[] = []
  const board: { -readonly [K in keyof WatchedBoard]: WatchedBoard[K] } = {
    state,
    pipeline: first,
    health: null,
    stuckChecks: 0,
  }
  const failures: unknown[] = []
  const catalogs: { found: TableSchema | TableAlteration } = { found: tableSchema }
  /** The table at the times of the questions about the writes, and the schemas with which it was compared. */
  const askedAbout: (TableSchema | TableAlteration)[] = []
  const compared: TableSchema[] = []
  const watch = createHealthWatch(board, 5_000, {
    slot: 'slot',
    readHealth: () => new Promise((resolve, reject) => void questions.push({ resolve, reject })),
    lookAtTable: async (before) => {
      compared.push(before)
      return catalogs.found
    },
    lookAtWrites: async () => void askedAbout.push(catalogs.found),
    readState: async () => undefined,
    onFailure: async () => void failures.push(1),
  })
  watch.expect({
    systemIdentifier: '7',
    databaseOid: '5',
    timeline: 1,
    isStandby: false,
    publicationOid: '17',
    tableSchema,
  })
  const answer = async (health: SlotHealth | Error) => {
    await vi.advanceTimersByTimeAsync(0)
    const question = questions.shift()
    if (health instanceof Error) question?.reject(health)
    else question?.resolve(health)
    await vi.advanceTimersByTimeAsync(0)
  }
  return { board, watch, questions, failures, answer, catalogs, askedAbout, compared }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('the health watch', () => {
  test('ends the pipeline whose slot is lost, within five seconds', async () => {
    const running = pipeline()
    const { questions, answer, board } = watched('streaming', running)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(questions).toHaveLength(1)
    await answer(gone)
    expect(running.ended).toMatchObject([{ kind: 'slot missing' }])
    expect(board.health).toBe(gone)
  })

  test('does not end a later pipeline for a check that began before the slot was recreated', async () => {
    const [before, after] = [pipeline(), pipeline()]
    const { board, watch, answer } = watched('streaming', before)
    watch.checkNow()
    await vi.advanceTimersByTimeAsync(0)
    board.pipeline = after
    await answer(gone)
    expect([before.ended, after.ended]).toEqual([[], []])
  })

  test('does not take a server without an answer for a lost slot', async () => {
    const running = pipeline()
    const { watch, answer, failures } = watched('streaming', running)
    watch.checkNow()
    await answer(new Error('refused'))
    expect([running.ended, failures]).toEqual([[], [1]])
  })

  test('checks again if a check is requested while another one runs', async () => {
    const running = pipeline()
    const { watch, questions, answer } = watched('streaming', running)
    watch.checkNow()
    watch.checkNow()
    watch.checkNow()
    await vi.advanceTimersByTimeAsync(0)
    expect(questions).toHaveLength(1)
    await answer(healthy)
    await answer(gone)
    expect(questions).toHaveLength(0)
    expect(running.ended).toHaveLength(1)
  })

  test('takes a slot past the stored position for lost in the instance that holds it, not in the standby', async () => {
    const [holder, other] = [pipeline(199n), pipeline(199n)]
    for (const [state, running] of [
      ['streaming', holder],
      ['standby', other],
    ] as const) {
      const { watch, answer } = watched(state, running)
      watch.checkNow()
      await answer(healthy)
    }
    expect(holder.ended).toMatchObject([{ kind: 'slot ahead' }])
    expect(other.ended).toEqual([])
  })

  test('takes a slot that was recreated while the stream is broken for lost in the instance that held it', async () => {
    const running = pipeline(199n)
    const { board, watch, answer } = watched('streaming', running)
    watch.checkNow()
    await answer({ ...healthy, confirmedFlushLsn: lsn(199n) })
    board.state = 'starting'
    watch.checkNow()
    await answer(healthy)
    expect(running.ended).toMatchObject([{ kind: 'slot ahead' }])
  })

  test('does not take a slot for lost that another instance took while the stream was broken', async () => {
    const running = pipeline(199n)
    const { board, watch, answer } = watched('streaming', running)
    watch.checkNow()
    await answer({ ...healthy, confirmedFlushLsn: lsn(199n) })
    watch.checkNow()
    board.state = 'standby'
    await answer(healthy)
    expect(running.ended).toEqual([])
  })

  test('reconnects a paused stream whose slot is unused twice in a row; a reading stream detects that itself', async () => {
    const [paused, reading] = [pipeline(200n, true), pipeline()]
    for (const running of [paused, reading]) {
      const { watch, answer } = watched('streaming', running)
      for (const isActive of [false, true, false, false]) {
        expect(running.disconnected).toEqual([])
        watch.checkNow()
        await answer({ ...healthy, isActive })
      }
    }
    expect([paused.disconnected, reading.disconnected]).toEqual([['silent'], []])
  })

  test('without a pipeline checks only while a fix is awaited', async () => {
    const { board, watch, questions } = watched('starting', null)
    watch.checkNow()
    expect(questions).toHaveLength(0)
    board.state = 'blocked'
    watch.checkNow()
    await vi.advanceTimersByTimeAsync(0)
    expect(questions).toHaveLength(1)
  })

  test('ends the pipeline whose table was altered', async () => {
    const running = pipeline()
    const { watch, answer, catalogs } = watched('streaming', running)
    watch.checkNow()
    await answer(healthy)
    expect(running.ended).toEqual([])
    catalogs.found = altered
    watch.checkNow()
    await answer(healthy)
    expect(running.ended).toEqual([expect.objectContaining({ name: 'SchemaChangedError', inStream: false })])
    watch.stop()
  })

  test('compares the table with what the last look found', async () => {
    const { watch, answer, catalogs, compared } = watched('streaming', pipeline())
    const later = { ...tableSchema, xmin: '900' }
    catalogs.found = later
    for (let looks = 2; looks > 0; looks--) {
      watch.checkNow()
      await answer(healthy)
    }
    expect(compared).toEqual([tableSchema, later])
    watch.stop()
  })

  test('asks about the writes once more if the table was altered after it had asked', async () => {
    const running = pipeline()
    const { watch, answer, catalogs, askedAbout } = watched('streaming', running)
    const { length } = askedAbout
    const push = askedAbout.push.bind(askedAbout)
    // The alteration is committed just after the first question.
    askedAbout.push = (...asked) => {
      const count = push(...asked)
      catalogs.found = altered
      return count
    }
    watch.checkNow()
    await answer(healthy)
    expect(askedAbout.slice(length)).toEqual([tableSchema, altered])
    expect(running.ended).toHaveLength(1)
    watch.stop()
  })
})
