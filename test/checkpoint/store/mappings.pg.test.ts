import { describe, expect, test } from 'vitest'
import type { MappingPolicy } from '../../../src/checkpoint/store/mappings.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { begun, open, record, row } from './store-scene.ts'

/** Opens a store as a new instance does, which uses the mapping from then on. */
async function started(database: TestDatabase, hash: string, policy: MappingPolicy = 'backfill') {
  const state = open(database.url)
  await state.store.takeOver(await state.store.load())
  const outdated = await state.store.mappings.use(hash, policy)
  return { ...state, outdated }
}

const runsOf = (database: TestDatabase) =>
  database.query('select state, reason from mediquo_cdc.backfill order by id').then((runs) => runs.map(Object.values))

/** Begins the next backfill run, and records its end. */
async function backfilled({ store }: Awaited<ReturnType<typeof begun>>, rows = [row('a'), row('b')]): Promise<void> {
  const run = await store.backfillRuns.next()
  if (!run) throw new Error('there is no run')
  if (run.state === 'requested') await store.backfillRuns.begin(run.id, 0)
  await record(store, rows, { backfill: { id: run.id, position: null, rowsRead: rows.length, done: true } })
}

describe('the mapping in use', () => {
  test('is noted by a store without rows, and a change of it asks for nothing', async () => {
    await using database = await testDatabase()
    await using first = await begun(database)
    expect(await first.store.mappings.use('A', 'backfill')).toBeNull()
    await using second = await started(database, 'B')
    expect(second.outdated).toBeNull()
    expect(await runsOf(database)).toEqual([])
    expect((await second.store.load())?.firstMapping).toBe('A')
  })

  test.each([
    { name: 'changed', mappings: ['B'], outdated: 2, runs: 1 },
    { name: 'changed twice', mappings: ['B', 'C'], outdated: 2, runs: 1 },
    { name: 'changed, and started again before the backfill began', mappings: ['B', 'B'], outdated: null, runs: 1 },
    {
      name: 'changed back before anything was settled by the other one',
      mappings: ['B', 'A'],
      outdated: null,
      runs: 1,
    },
  ])('$name asks for one backfill of the whole table', async ({ mappings, outdated, runs }) => {
    await using database = await testDatabase()
    await using first = await begun(database)
    await first.store.mappings.use('A', 'backfill')
    await record(first.store, [row('a'), row('b'), row('gone', { removed: true })])
    let last: unknown
    for (const mapping of mappings) {
      await using next = await started(database, mapping)
      last = next.outdated
    }
    expect(last).toEqual(outdated === null ? null : { rows: outdated, deadLetters: 0 })
    expect(await runsOf(database)).toEqual(new Array(runs).fill(['requested', 'mapping changed']))
  })

  test('counts the rows that were not settled by it, through several changes', async () => {
    await using database = await testDatabase()
    await using first = await begun(database)
    await first.store.mappings.use('A', 'wait')
    await record(first.store, [row('a'), row('b'), row('c')])
    await using second = await started(database, 'B', 'wait')
    expect(second.outdated).toEqual({ rows: 3, deadLetters: 0 })
    await record(second.store, [row('a')])
    await using third = await started(database, 'A', 'wait')
    expect(third.outdated).toEqual({ rows: 1, deadLetters: 0 })
    await record(third.store, [row('a')])
    await using fourth = await started(database, 'A', 'wait')
    expect(fourth.outdated).toBeNull()
    await using fifth = await started(database, 'B', 'wait')
    expect(fifth.outdated).toEqual({ rows: 3, deadLetters: 0 })
  })

  test('settles the whole table by a backfill that began and ended under it, whichever rows were unchanged', async () => {
    await using database = await testDatabase()
    await using first = await begun(database)
    await first.store.mappings.use('A', 'wait')
    await record(first.store, [row('a'), row('b')])
    await using second = await started(database, 'B', 'wait')
    await second.store.backfillRuns.request(null)
    await backfilled(second, [row('a')])
    await second.store.mappings.look()
    expect(second.store.mappings.outdated).toBeNull()
    await using third = await started(database, 'A', 'wait')
    expect(third.outdated).toEqual({ rows: 2, deadLetters: 0 })
  })

  test('is not settled by a backfill of single rows, nor by one that began under another mapping', async () => {
    await using database = await testDatabase()
    await using first = await begun(database)
    await first.store.mappings.use('A', 'wait')
    await record(first.store, [row('a'), row('b')])
    await first.store.backfillRuns.request(null)
    const run = await first.store.backfillRuns.next()
    await first.store.backfillRuns.begin(run?.id ?? 0, 2)
    await using second = await started(database, 'B', 'wait')
    await backfilled(second)
    await second.store.backfillRuns.request(null, [row('a').key])
    await backfilled(second)
    await second.store.mappings.look()
    expect(second.store.mappings.outdated).toEqual({ rows: 2, deadLetters: 0 })
    await using third = await started(database, 'B', 'backfill')
    expect(await runsOf(database)).toEqual([
      ['done', 'asked for'],
      ['done', 'asked for'],
      ['requested', 'mapping changed'],
    ])
    expect(third.outdated).toEqual({ rows: 0, deadLetters: 0 })
  })

  test('cannot be noted by an instance that was replaced', async () => {
    await using database = await testDatabase()
    await using first = await begun(database)
    await using second = open(database.url)
    await second.store.takeOver(await second.store.load())
    await expect(first.store.mappings.use('A', 'backfill')).rejects.toMatchObject({ kind: 'fenced' })
    expect(await database.query('select 1 from mediquo_cdc.mapping')).toEqual([])
  })
})
