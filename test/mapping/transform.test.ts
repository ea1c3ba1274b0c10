import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compileMapping } from '../../src/mapping/compile.ts'
import { loadTransform, type TransformFunction } from '../../src/mapping/transform.ts'
import { fromColumn } from '../../src/model/patient/mapping.ts'
import { unchanged } from '../../src/model/source/row.ts'
import { column, columns, constant, requiredAttributes, rowOf, wholeMapping } from './sources.ts'

function compiledWith(apply: TransformFunction) {
  return compileMapping(wholeMapping, { columns, requiredAttributes, transform: { apply, contentHash: 'h' } })
}

const failed = { kind: 'invalid', code: '7', invalid: [{ attribute: 'transform', reason: 'transform failed' }] }

describe('a transform', () => {
  it('gets the row as text, frozen, and a patient that it may change', () => {
    const compiled = compiledWith((row, patient) => {
      expect(row.tel).toBe('600')
      expect(row.mail).toBeNull()
      expect(Object.isFrozen(row)).toBe(true)
      patient.phone = `+34${row.tel}`
      return patient
    })
    expect(compiled.map(rowOf({ tel: '600' }))).toMatchObject({
      kind: 'patient',
      patient: { code: '7', phone: '+34600' },
    })
  })

  it.each([
    ['a constant', constant('{"clinic":"north"}')],
    ['a default', column('extra', { fallback: '{"clinic":"north"}' })],
    ['a table of values', column('id', { values: { '7': '{"clinic":"north"}' } })],
  ])('may change a meta that comes from %s, without an effect on other rows', (_name, meta) => {
    const apply: TransformFunction = (row, patient) => {
      if (row.tel !== null) Object.assign(patient.meta as object, { tel: row.tel })
      return patient
    }
    const compiled = compileMapping(
      { ...wholeMapping, meta },
      { columns, requiredAttributes, transform: { apply, contentHash: 'h' } },
    )
    expect(compiled.map(rowOf({ tel: '600' }))).toMatchObject({ patient: { meta: { clinic: 'north', tel: '600' } } })
    expect(compiled.map(rowOf())).toHaveProperty('patient.meta', { clinic: 'north' })
  })

  it('leaves a row out by returning null, even one that the mapping finds invalid', () => {
    expect(compiledWith(() => null).map(rowOf({ sex: 'x' }))).toEqual({ kind: 'left out', code: '7' })
  })

  it('may fix what the mapping could not map; the rest stays invalid', () => {
    const fixing = compiledWith((row, patient) => ({ ...patient, gender: row.sex === '2' ? 'female' : 'male' }))
    expect(fixing.map(rowOf({ sex: '2' }))).toMatchObject({ kind: 'patient', patient: { gender: 'female' } })
    const mapping = compiledWith((_row, patient) => patient)
    expect(mapping.map(rowOf({ dob: '1980-02-30', extra: '[' }))).toMatchObject({
      kind: 'invalid',
      invalid: [
        { attribute: 'birth_date', reason: 'not a date' },
        { attribute: 'meta', reason: 'not an object' },
      ],
    })
  })

  it('must leave the plan in place, or say null: a row that only lost it is rejected', () => {
    const tier = { tier: 'premium' }
    const losing: readonly TransformFunction[] = [
      ({ id, given, sex, dob }) => ({ code: id, first_name: given, gender: sex, birth_date: dob }),
      (_row, { plan, ...patient }) => patient,
      (_row, patient) => ({ ...patient, plan: undefined }),
    ]
    for (const apply of losing)
      expect(compiledWith(apply).map(rowOf(tier))).toEqual({
        kind: 'invalid',
        code: '7',
        invalid: [{ attribute: 'plan', reason: 'missing' }],
      })
    const saying = compiledWith((_row, patient) => ({ ...patient, plan: null })).map(rowOf(tier))
    expect(saying).toMatchObject({ kind: 'patient' })
    expect(saying).not.toHaveProperty('patient.plan')
  })

  it('may lose the plan if the mapping says that no patient has one', () => {
    const transform = {
      apply: (_row: unknown, { plan, ...patient }: Record<string, unknown>) => patient,
      contentHash: 'h',
    }
    const compiled = compileMapping(
      { ...wholeMapping, plan: constant(null) },
      { columns, requiredAttributes, transform },
    )
    expect(compiled.map(rowOf({ tier: 'premium' }))).toMatchObject({ kind: 'patient' })
  })

  it('has its result checked', () => {
    expect(compiledWith((_row, patient) => ({ ...patient, code: 7 })).map(rowOf())).toEqual({
      kind: 'invalid',
      code: null,
      invalid: [{ attribute: 'code', reason: 'not text' }],
    })
  })

  it('cannot put values into meta that JSON would change', () => {
    for (const value of [new Date(0), new Map(), 1n, Number.NaN, () => 1, undefined]) {
      const compiled = compiledWith((_row, patient) => ({ ...patient, meta: { deep: [value] } }))
      expect(compiled.map(rowOf())).toMatchObject({ invalid: [{ attribute: 'meta', reason: 'not an object' }] })
    }
  })

  it('reads every column, also for the code', () => {
    const compiled = compiledWith((_row, patient) => patient)
    expect(compiled.columns).toEqual(columns)
    expect(compiled.codeColumns).toEqual(columns)
    expect(compiled.map(rowOf({ second: unchanged }))).toEqual({ kind: 'incomplete', columns: ['second'] })
    expect(compiled.codeOf(rowOf())).toBeNull()
  })

  it('may set attributes that are not mapped', () => {
    const transform = {
      apply: (_row: unknown, patient: Record<string, unknown>) => ({
        ...patient,
        code: 'c',
        first_name: 'n',
        plan: 'basic',
      }),
      contentHash: 'h',
    }
    const compiled = compileMapping(
      { last_name: fromColumn('family') },
      { columns, requiredAttributes: ['code', 'first_name'], transform },
    )
    expect(compiled.map(rowOf({ family: 'Ruiz' }))).toEqual({
      kind: 'patient',
      patient: { code: 'c', first_name: 'n', last_name: 'Ruiz', plan: 'basic' },
    })
  })

  it.each<[string, TransformFunction]>([
    [
      'throws',
      (row) => {
        throw new Error(`value ${row.given}`)
      },
    ],
    [
      'throws nothing',
      () => {
        throw undefined
      },
    ],
    ['returns nothing', () => undefined],
    ['returns text', () => 'Ana'],
    ['returns a list', () => ['Ana']],
    ['returns a promise', (_row, patient) => Promise.resolve(patient)],
    ['returns a promise that fails', () => Promise.reject(new Error('late'))],
    ['misspells an attribute', (_row, patient) => ({ ...patient, fist_name: 'Ana' })],
    [
      'changes the row',
      (row, patient) => {
        Object.assign(row, { id: '8' })
        return patient
      },
    ],
    [
      'returns what throws when looked at',
      () =>
        new Proxy(
          {},
          {
            ownKeys() {
              throw new Error('x')
            },
          },
        ),
    ],
  ])('that %s fails only that row, and its error contains no value', (_what, apply) => {
    expect(compiledWith(apply).map(rowOf())).toEqual(failed)
  })
})

describe('loading a transform', () => {
  async function load(text: string | null) {
    const directory = mkdtempSync(join(tmpdir(), 'mediquo-cdc-transform-'))
    const path = join(directory, 'transform.mjs')
    if (text !== null) writeFileSync(path, text)
    try {
      return await loadTransform(path)
    } finally {
      rmSync(directory, { recursive: true })
    }
  }

  it('returns the function, and a hash of its text', async () => {
    const first = await load('export default (row, patient) => ({ ...patient, phone: row.tel })')
    const second = await load('export default (row, patient) => ({ ...patient, phone: row.tel });')
    expect(first.apply({ tel: '1' }, {})).toEqual({ phone: '1' })
    expect(first.contentHash).not.toBe(second.contentHash)
  })

  it.each([
    [null, /cannot be read/],
    ['export const x = 1', /must export a function/],
    ['export default 5', /must export a function/],
    ['export default async () => null', /not async/],
    ['throw new Error("on load")', /cannot be loaded: Error: on load/],
    ['export default (', /cannot be loaded: /],
  ])('is refused in one sentence: %j', async (text, message) => {
    await expect(load(text)).rejects.toThrow(message)
  })
})
