import type { PatientCode } from '../../../src/model/patient.ts'
import type { RowKey } from '../../../src/model/row.ts'
import { code, key } from '../rows.ts'
import type { Choices } from './choices.ts'
import type { Letter } from './source-table.ts'

/** How large a world is and what happens in it. A mixture: small worlds find most, and each thing alone finds more than all together. */
export interface Profile {
  readonly keys: readonly RowKey[]
  readonly codes: readonly PatientCode[]
  readonly letters: readonly Letter[]
  readonly start: 'first run' | 'known' | 'slot lost'
  readonly onDelete: 'ignore' | 'unsubscribe'
  readonly fullIdentity: boolean
  readonly codesMove: boolean
  /** Updates of a hundred whose change lacks a value. */
  readonly incomplete: number
  /** Transactions before the slot was made, and after. */
  readonly before: number
  readonly transactions: number
  readonly pageRows: number
  /** Reads of rows that nobody waits for. */
  readonly reads: number
  readonly crashes: number
  /** Crashes after which the slot is gone. */
  readonly slotLosses: number
  /** Answers that do not come, requests that come back, calls whose connection breaks. */
  readonly faults: number
  /**
   * Changes of a transaction may leave before its commit has come. Not while codes move between rows: two rows that swap theirs are
   * half swapped then, and a read of one of them may send a code back, a gap that is known.
   */
  readonly largeTransactions: boolean
  /** Rows in memory past which the stream waits. */
  readonly maxRows: number
  readonly steps: number
  /** How often each step is taken, none: never by chance. */
  readonly weights: readonly number[]
}

export interface Limits extends Partial<Profile> {
  readonly stepKinds: number
}

export function drawProfile(choices: Choices, { stepKinds, ...fixed }: Limits): Profile {
  const keys = choices.pick([1, 1, 1, 2, 2, 3])
  const codes = keys + choices.below(2)
  const start = choices.pick(['first run', 'known', 'known', 'slot lost'] as const)
  const crashes = choices.pick([0, 1, 1, 2])
  const special: readonly Letter[] = choices.percent(40) ? [choices.pick(['X', 'Y', 'Z', 'F'] as const)] : []
  const codesMove = choices.percent(40)
  const plain: readonly Letter[] = choices.percent(70) ? ['A', 'B'] : ['A', 'B', 'C']
  return {
    keys: ['1', '2', '3'].slice(0, keys).map(key),
    codes: ['a', 'b', 'c', 'd'].slice(0, codes).map(code),
    letters: [...plain, ...special],
    start,
    onDelete: choices.pick(['unsubscribe', 'unsubscribe', 'ignore'] as const),
    fullIdentity: choices.percent(40),
    codesMove,
    incomplete: choices.pick([0, 0, 30]),
    before: start === 'known' ? 0 : choices.below(3),
    transactions: choices.pick([1, 2, 2, 3, 3, 4, 6]),
    pageRows: choices.pick([1, 2, 9]),
    reads: choices.pick([0, 1, 1, 2, 3]),
    crashes,
    slotLosses: choices.percent(25) ? crashes : 0,
    faults: choices.pick([0, 0, 1, 2]),
    largeTransactions: !codesMove && choices.percent(25),
    maxRows: 1_000,
    steps: choices.pick([40, 60, 100, 160]),
    weights: Array.from({ length: stepKinds }, () => choices.pick([1, 2, 4, 8])),
    ...fixed,
  }
}
