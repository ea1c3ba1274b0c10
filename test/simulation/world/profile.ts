import type { PatientCode } from '../../../src/model/patient/patient.ts'
import type { RowKey } from '../../../src/model/source/row.ts'
import type { Effect } from '../../../src/pipeline/core/effects.ts'
import type { Bounds } from '../../../src/pipeline/core/options.ts'
import type { Choices } from './choices.ts'
import type { Letter } from './source-table.ts'
import { codeOf, keyOf } from './values.ts'

/**
 * Size of a world, and the events in it. Worlds are mixed: small ones find most errors, and one kind of event alone finds more than all
 * together.
 */
export interface Profile {
  readonly keys: readonly RowKey[]
  readonly codes: readonly PatientCode[]
  readonly letters: readonly Letter[]
  readonly start: 'first run' | 'known' | 'slot lost'
  readonly onDelete: 'ignore' | 'unsubscribe'
  readonly fullIdentity: boolean
  readonly codesMove: boolean
  /** Codes are not unique: a row may take the code that another row has. */
  readonly sharesCodes: boolean
  /** Percentage of updates whose change lacks a value. */
  readonly incomplete: number
  /** Percentage of changes that are much larger than others. */
  readonly wide: number
  /** Transactions before the slot was created, and after. */
  readonly before: number
  readonly transactions: number
  /** Maximum number of changes in a transaction. */
  readonly changes: number
  /** The stream leaves out transactions without published changes. */
  readonly skipsEmpty: boolean
  readonly pageRows: number
  readonly crashes: number
  /** Number of times that the process drains and ends, in addition to its crashes. */
  readonly stops: number
  /** Number of replication connections that break. */
  readonly streamLosses: number
  /** Number of crashes after which the slot is lost. */
  readonly slotLosses: number
  /** Number of times that the checkpoint store goes back by its last writes under a running connector. */
  readonly storeLosses: number
  /** Number of times that the link between the connector and the database goes half-open, so that another instance takes over. */
  readonly cuts: number
  /** Number of lost answers, returned requests, and calls whose connection breaks. */
  readonly faults: number
  /** Percentage of accepted patients that are applied later. */
  readonly applyLater: number
  /** Percentage of successes that are not documented ones, applied or not. */
  readonly unexpected: number
  /** Effect that takes long. */
  readonly slow: Effect['kind'] | null
  /** Percentage of transactions that truncate the table, and fill it again under other keys. */
  readonly truncates: number
  /** Steps during which the API is down, and steps during which reading one code back hangs. */
  readonly outage: Period | null
  readonly hanging: (Period & { readonly code: PatientCode }) | null
  readonly bounds: Omit<Bounds, 'readRows'>
  readonly batchSize: number
  readonly maxInFlight: number
  readonly steps: number
  /** Weight of each step; a step with weight 0 is never drawn. */
  readonly weights: readonly number[]
}

export interface Period {
  readonly fromStep: number
  readonly toStep: number
}

export interface Limits extends Partial<Profile> {
  readonly stepKinds: number
}

/** Size of the largest row. */
export const wideBytes = 15_000

const plenty = {
  rows: 1_000,
  bytes: 1_000_000,
  unloaded: 1_000,
  unsubscriptions: 1_000,
  recordFetches: 1_000,
  readBacks: 1_000,
  marks: 1_000,
}

export function drawProfile(choices: Choices, { stepKinds, ...fixed }: Limits): Profile {
  const isLarge = choices.percent(15)
  const keys = isLarge ? 4 + choices.below(6) : choices.pick([1, 1, 1, 2, 2, 3])
  const codes = [...'abcdefghijk'].slice(0, keys + choices.below(2)).map(codeOf)
  const start = choices.pick(['first run', 'known', 'known', 'slot lost'] as const)
  const crashes = choices.pick([0, 1, 1, 2, 3])
  const special: readonly Letter[] = choices.percent(40) ? [choices.pick(['X', 'Z', 'F'] as const)] : []
  const plain: readonly Letter[] = choices.percent(70) ? ['A', 'B'] : ['A', 'B', 'C']
  return {
    keys: names.slice(0, keys).map(keyOf),
    codes,
    letters: [...plain, ...special],
    start,
    onDelete: choices.pick(['unsubscribe', 'unsubscribe', 'ignore'] as const),
    fullIdentity: choices.percent(40),
    codesMove: choices.percent(40),
    incomplete: choices.pick([0, 0, 30]),
    wide: choices.pick([0, 0, 30]),
    before: start === 'known' ? 0 : choices.below(3),
    transactions: isLarge ? choices.pick([3, 6, 12]) : choices.pick([1, 2, 2, 3, 3, 4, 6]),
    changes: isLarge ? choices.pick([4, 12, 25]) : 4,
    skipsEmpty: choices.percent(50),
    pageRows: choices.pick([1, 2, 9]),
    crashes,
    stops: choices.pick([0, 0, 0, 1]),
    streamLosses: choices.pick([0, 0, 0, 1, 2]),
    slotLosses: choices.percent(25) ? crashes : 0,
    faults: choices.pick([0, 0, 1, 2, 4, 8]),
    applyLater: choices.pick([0, 0, 40]),
    slow: choices.percent(25) ? choices.pick(slowEffects) : null,
    outage: choices.percent(15) ? drawPeriod(choices) : null,
    hanging: choices.percent(15) ? { ...drawPeriod(choices), code: choices.pick(codes) } : null,
    bounds: choices.percent(40) ? plenty : drawBounds(choices),
    batchSize: choices.pick([1, 2, 3, 100]),
    maxInFlight: choices.pick([1, 2, 3]),
    steps: (isLarge ? 3 : 1) * choices.pick([40, 60, 100, 160]),
    weights: Array.from({ length: stepKinds }, () => choices.pick([1, 2, 4, 8])),
    unexpected: choices.pick([0, 0, 0, 40]),
    storeLosses: choices.percent(10) ? choices.pick([1, 1, 2]) : 0,
    cuts: choices.percent(15) ? choices.pick([1, 1, 2]) : 0,
    truncates: choices.pick([0, 0, 0, 30]),
    sharesCodes: choices.percent(30),
    ...fixed,
  }
}

const names = Array.from({ length: 9 }, (_, at) => String(at + 1))

const slowEffects = ['load records', 'find holders', 'read rows', 'record', 'want permit', 'list owed rows'] as const

function drawPeriod(choices: Choices): Period {
  const fromStep = choices.below(60)
  return { fromStep, toStep: fromStep + choices.pick([20, 60, 200]) }
}

/** Draws bounds so small that most worlds reach one of them. */
function drawBounds(choices: Choices): Profile['bounds'] {
  return {
    rows: choices.pick([2, 3, 5, 20]),
    bytes: choices.pick([3_000, 20_000, 1_000_000]),
    unloaded: choices.pick([1, 2, 5]),
    unsubscriptions: choices.pick([1, 2, 5]),
    recordFetches: choices.pick([1, 2, 100]),
    readBacks: choices.pick([0, 1, 3]),
    marks: choices.pick([0, 1, 3]),
  }
}
