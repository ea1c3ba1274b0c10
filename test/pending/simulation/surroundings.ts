import type { PatientCode } from '../../../src/model/patient.ts'
import type { Row, RowKey } from '../../../src/model/row.ts'
import type { Snapshot } from '../../../src/model/visibility.ts'
import { at } from '../rows.ts'
import type { Calls } from './calls.ts'
import { isPublished } from './contents.ts'
import type { RowVersion } from './source-table.ts'
import type { World } from './world.ts'

/** A question to the state: asked at one step, answered at another. */
function ask<T>(calls: Calls, name: string, answer: () => T): Promise<T> {
  let answered: { readonly value: T } | null = null
  return calls.make(
    name,
    [
      () => {
        answered = { value: answer() }
      },
    ],
    () => (answered ?? { value: answer() }).value,
  )
}

/** `Store`, as far as look-ups, reads and ending codes use it. */
export function fakeStore(world: World, calls: Calls) {
  const { state } = world
  return {
    lookUp: (keys: readonly RowKey[]) => ask(calls, 'look up', () => state.lookUp(keys)),
    holdersOf: (codes: readonly PatientCode[]) =>
      ask(calls, 'holders', () => {
        const holders = new Map(codes.map((code) => [code, state.holdersOf(code, null)]))
        world.note(
          () => `which rows have ${[...holders].map(([code, keys]) => `${code}: ${keys.join(' ') || 'none'}`)}`,
        )
        return holders
      }),
    closeSlotGap: () => ask(calls, 'close the gap', () => state.closeSlotGap()),
    passes: {
      next: () => ask(calls, 'next pass', () => state.nextPass()),
      begin: (id: number) => ask(calls, 'begin the pass', () => state.beginPass(id)),
      rowsAfter: (after: RowKey | null, limit: number, codes: readonly PatientCode[] | null) =>
        ask(calls, 'known rows', () => state.rowsAfter(after, limit, codes)),
    },
  }
}

/** `TableReader`: snapshot and rows at one step, the WAL's end at another, merged after a third. */
export function fakeReader(world: World, calls: Calls) {
  const { table, contents, profile } = world
  async function read(name: string, select: (snapshot: Snapshot) => readonly RowVersion[]) {
    let snapshot: Snapshot = table.snapshot()
    let found: readonly RowVersion[] = []
    let endLsn = at(0)
    const look = () => {
      snapshot = table.snapshot()
      found = select(snapshot)
      world.openReads.add(snapshot)
      world.note(() => `${name}: snapshot ${snapshotText(snapshot)} sees ${found.map(rowText).join(', ') || 'nothing'}`)
    }
    const end = () => {
      endLsn = at(table.insertLsn)
      world.readEnded(endLsn, snapshot)
      world.note(() => `${name}: P ${endLsn}`)
    }
    await calls.make(name, [look, end], () => undefined)
    world.note(() => `${name}: answered`)
    const rows = new Map<RowKey, Row>()
    for (const version of found) if (isPublished(version.image)) rows.set(version.key, contents.row(version))
    return { found, read: { snapshot, snapshotText: snapshotText(snapshot), rows, endLsn } }
  }
  const rowOf = (snapshot: Snapshot) => (key: RowKey) => {
    const version = table.seenBy(snapshot, key)
    return version?.image ? [version] : []
  }
  return {
    estimateRows: async () => profile.keys.length,
    async byKey(keys: readonly RowKey[]) {
      const { read: rows } = await read(`read ${keys.join(' ')}`, (snapshot) => keys.flatMap(rowOf(snapshot)))
      return rows
    },
    async page({ after, limit }: { readonly after: RowKey | null; readonly limit: number }) {
      const { found, read: page } = await read(`page after ${after}`, (snapshot) =>
        table.keys
          .filter((key) => after === null || key > after)
          .sort()
          .flatMap(rowOf(snapshot))
          .slice(0, limit),
      )
      const leftOut = found.flatMap(({ key }) => (page.rows.has(key) ? [] : [key]))
      return { ...page, leftOut, last: found.at(-1)?.key ?? null, isLast: found.length < limit }
    },
  }
}

export function snapshotText({ xmin, xmax, inProgress }: Snapshot): string {
  return `${xmin}:${xmax}:${[...inProgress].join(',')}`
}

function rowText({ key, image, number }: RowVersion): string {
  return `${key} ${image?.code}=${image?.letter} (version ${number})`
}
