import { describe, expect, test } from 'vitest'
import type { PatientCode } from '../../src/model/patient.ts'
import type { RowKey } from '../../src/model/row.ts'
import type { Content } from '../../src/pending/version.ts'
import { seededRandom } from '../../src/sandbox/seeded-random.ts'
import { code, key, patient } from './rows.ts'
import { SimulatedConnector, type World } from './simulated-connector.ts'

const keys = ['1', '2', '3'].map(key)
const codes = ['a', 'b', 'c'].map(code)
const seeds = Number(process.env.SIMULATION_SEEDS ?? 3_000)

interface Row {
  readonly code: PatientCode
  readonly version: number
}

/** A table with few rows and few codes, whose writers take codes from each other. A code is one row's at a time. */
class Table {
  readonly rows = new Map<RowKey, Row>()
  readonly #full: boolean
  #version = 0

  constructor(full: boolean) {
    this.#full = full
  }

  /** One random transaction's changes. */
  write(below: (limit: number) => number): (readonly [RowKey, Content])[] {
    const [row, other] = [keys[below(keys.length)], keys[below(keys.length)]]
    if (row === undefined || other === undefined) return []
    const [mine, theirs] = [this.rows.get(row), this.rows.get(other)]
    const free = codes.filter((one) => ![...this.rows.values()].some((taken) => taken.code === one))
    const unused = free[below(Math.max(1, free.length))]
    if (!mine) return unused === undefined ? [] : [this.#put(row, unused)]
    switch (below(6)) {
      case 0:
        return [this.#remove(row, mine)]
      case 1:
        return unused === undefined ? [] : [this.#put(row, unused)]
      case 2:
        if (row === other) return []
        if (theirs) return [this.#put(row, theirs.code), this.#put(other, mine.code)]
        return [this.#remove(row, mine), this.#put(other, mine.code)]
      case 3:
        if (row === other || theirs || unused === undefined) return []
        return [this.#put(row, unused), this.#put(other, mine.code)]
      default:
        return [this.#put(row, mine.code)]
    }
  }

  #put(row: RowKey, of: PatientCode): readonly [RowKey, Content] {
    this.#version++
    this.rows.set(row, { code: of, version: this.#version })
    return [row, { kind: 'patient', patient: patient(of, `v${this.#version}`) }]
  }

  #remove(row: RowKey, { code: of, version }: Row): readonly [RowKey, Content] {
    this.rows.delete(row)
    if (!this.#full) return [row, { kind: 'removed', code: null, patient: null }]
    return [row, { kind: 'removed', code: of, patient: patient(of, `v${version}`) }]
  }
}

function simulate(seed: number, full: boolean): string[] {
  const random = seededRandom(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const world: World = { stream: [], state: new Map(), api: new Map(), checkpoint: 100, horizon: null, back: [] }
  const table = new Table(full)
  let connector = new SimulatedConnector(world, 'unsubscribe')
  let commit = 100
  const steps: readonly (() => void)[] = [
    () => {
      const changes = table.write(below)
      commit += 10
      world.stream.push({ commit, changes })
    },
    () => connector.receive(),
    () => connector.receive(),
    () => connector.lookUp(),
    () => connector.resolve(),
    () => connector.resolve(),
    () => connector.send(1 + below(3)),
    () => connector.apply(below(9)),
    () => connector.apply(below(9)),
    () => connector.answer(below(9), random() < 0.15 ? 'lost' : 'answered'),
    () => connector.record(),
    () => {
      if (random() > 0.2) return
      connector.crash([random() < 0.5, random() < 0.5])
      connector = new SimulatedConnector(world, 'unsubscribe')
    },
  ]
  for (let step = 0; step < 150; step++) steps[below(steps.length)]?.()
  for (let round = 0; round < 400 && !connector.isQuiet; round++) {
    connector.receive()
    connector.lookUp()
    connector.resolve()
    connector.send(3)
    for (let request = 0; request < 3; request++) connector.apply(0)
    connector.answer(0, 'answered')
    connector.record()
  }
  const wrong = [...world.back]
  if (!connector.isQuiet) wrong.push('never quiet')
  for (const one of codes) {
    const row = [...table.rows.values()].find((held) => held.code === one)
    const sent = world.api.get(one)
    if (row && (sent?.first_name !== `v${row.version}` || !sent.plan)) {
      wrong.push(`${one}: v${row.version} wanted, ${sent?.first_name}${sent?.plan ? '' : ' without a plan'} there`)
    }
    if (!row && sent?.plan) wrong.push(`${one}: nobody's, still subscribed`)
  }
  return wrong
}

describe('codes that go from row to row, with crashes in between', () => {
  test.each([
    ['only the key of an old row is known', false],
    ['the whole old row is known', true],
  ])('both ends agree and no patient goes back in time: %s', (_, full) => {
    for (let seed = 1; seed <= seeds; seed++) {
      expect(simulate(seed, full), `seed ${seed}`).toEqual([])
    }
  })
})
