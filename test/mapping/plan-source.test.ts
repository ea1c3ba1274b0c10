import { describe, expect, test } from 'vitest'
import { compileMapping } from '../../src/mapping/compile.ts'
import type { TransformFunction } from '../../src/mapping/transform.ts'
import type { AttributeSource } from '../../src/model/patient/mapping.ts'
import { column, columns, constant, joined, requiredAttributes, rowOf, wholeMapping } from './sources.ts'

function planOf(plan: AttributeSource, required = requiredAttributes) {
  return compileMapping({ ...wholeMapping, plan }, { columns, requiredAttributes: required }).plan
}

describe('the plan of a row', () => {
  const values = { GOLD: 'premium', NONE: null }
  test.each([
    ['a column with a text', column('tier'), 'gold', 'plan'],
    ['a column with null', column('tier'), null, 'none'],
    ['a column with blanks', column('tier'), '  ', 'none'],
    ['a default', column('tier', { fallback: 'basic' }), null, 'plan'],
    ['a value table with an entry', column('tier', { values }), 'GOLD', 'plan'],
    ['a value table with an entry for none', column('tier', { values }), 'NONE', 'none'],
    ['a value table, null', column('tier', { values }), null, 'none'],
    ['a value table without the entry', column('tier', { values }), 'SILVER', 'invalid'],
    ['joined columns', joined(['tier', 'tax']), 'gold', 'plan'],
    ['joined columns that are all blank', joined(['tier', 'tax']), '', 'none'],
    ['a constant', constant('premium'), null, 'plan'],
    ['a constant of null', constant(null), 'gold', 'none'],
  ] as const)('from %s', (_what, source, tier, verdict) => {
    const { judge, columns: read } = planOf(source)
    expect(judge(rowOf({ tier }))).toBe(verdict)
    // Only these columns are needed to judge it.
    expect(judge(new Map(read.map((name) => [name, rowOf({ tier }).get(name) ?? null])))).toBe(verdict)
  })

  test('is missing if it is required and blank', () => {
    expect(planOf(column('tier'), [...requiredAttributes, 'plan']).judge(rowOf())).toBe('missing')
  })
})

describe('the plan of a row that a transform changes', () => {
  const judged = (apply: TransformFunction, tier: string | null = 'gold') =>
    compileMapping(wholeMapping, { columns, requiredAttributes, transform: { apply, contentHash: 'h' } }).plan.judge(
      rowOf({ tier }),
    )
  test.each<[string, TransformFunction, string]>([
    ['keeps it', (_row, patient) => patient, 'plan'],
    ['says null', (_row, patient) => ({ ...patient, plan: null }), 'none'],
    ['loses it', (_row, { plan, ...patient }) => patient, 'missing'],
    ['returns something else', (_row, patient) => ({ ...patient, plan: 7 }), 'invalid'],
    ['leaves the row out', () => null, 'unsent'],
    [
      'throws',
      () => {
        throw new Error('x')
      },
      'unsent',
    ],
  ])('and %s', (_what, apply, verdict) => {
    expect(judged(apply)).toBe(verdict)
  })

  test('and keeps as null', () => {
    expect(judged((_row, patient) => patient, null)).toBe('none')
  })
})
