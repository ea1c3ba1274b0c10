import { describe, expect, it } from 'vitest'
import { compileMapping } from '../../src/mapping/compile.ts'
import { ProblemsError } from '../../src/model/failure/connector-error.ts'
import { fromColumn, type Mapping } from '../../src/model/patient/mapping.ts'
import type { Attribute } from '../../src/model/patient/patient.ts'
import { unchanged } from '../../src/model/source/row.ts'
import { column, columns, constant, joined, requiredAttributes, rowOf, wholeMapping } from './sources.ts'

const options = { columns, requiredAttributes }
const base = {
  code: fromColumn('id'),
  first_name: fromColumn('given'),
  gender: fromColumn('sex'),
  birth_date: fromColumn('dob'),
}

/** Maps one attribute. @returns its value, or its reason. */
function mapped(attribute: Attribute, mapping: Mapping, values: Parameters<typeof rowOf>[0] = {}): unknown {
  const result = compileMapping({ ...base, ...mapping }, options).map(rowOf(values))
  if (result.kind === 'patient') return result.patient[attribute]
  if (result.kind === 'invalid') return result.invalid
  return result
}

function problemsOf(compile: () => unknown): readonly string[] {
  try {
    compile()
    return []
  } catch (error) {
    if (error instanceof ProblemsError) return error.problems
    throw error
  }
}

describe('the forms of a mapping', () => {
  it('take a column as it is, trimmed', () => {
    expect(mapped('last_name', { last_name: column('family') }, { family: ' Ruiz  ' })).toBe('Ruiz')
    expect(mapped('tax_id', { tax_id: column('tax') }, { tax: '12.50' })).toBe('12.50')
  })

  it('keep a code exactly', () => {
    expect(mapped('code', {}, { id: ' 007 ' })).toBe(' 007 ')
  })

  it('join columns without the blank ones', () => {
    const first_name = joined(['given', 'second', 'family'], ', ')
    expect(mapped('first_name', { first_name }, { given: 'Ana ', second: ' ', family: 'Ruiz' })).toBe('Ana, Ruiz')
    expect(mapped('first_name', { first_name }, { given: null })).toEqual([
      { attribute: 'first_name', reason: 'missing' },
    ])
  })

  it('need every part of a code, because two rows could share one otherwise', () => {
    const code = joined(['id', 'tax', 'tel'], '-')
    expect(mapped('code', { code }, { tax: '1', tel: '2' })).toBe('7-1-2')
    expect(mapped('code', { code }, { tax: null, tel: '2' })).toEqual([{ attribute: 'code', reason: 'missing' }])
  })

  it('look values up', () => {
    const gender = column('sex', { values: { M: 'male', F: 'female', U: null, '': 'male' } })
    expect(mapped('gender', { gender }, { sex: 'F' })).toBe('female')
    expect(mapped('gender', { gender }, { sex: 'M  ' })).toBe('male')
    expect(mapped('gender', { gender }, { sex: '  ' })).toBe('male')
    expect(mapped('gender', { gender }, { sex: 'X' })).toEqual([
      { attribute: 'gender', reason: 'not in the value table' },
    ])
    for (const sex of ['U', null]) {
      expect(mapped('gender', { gender }, { sex })).toEqual([{ attribute: 'gender', reason: 'missing' }])
    }
    for (const sex of ['constructor', '__proto__', 'toString']) {
      expect(mapped('gender', { gender }, { sex })).toEqual([{ attribute: 'gender', reason: 'not in the value table' }])
    }
  })

  it('use a default for null and blank', () => {
    const gender = column('sex', { values: { M: 'male' }, fallback: 'female' })
    expect(mapped('gender', { gender }, { sex: null })).toBe('female')
    expect(mapped('gender', { gender }, { sex: ' ' })).toBe('female')
    expect(mapped('gender', { gender }, { sex: 'M' })).toBe('male')
    const dob = column('dob', { format: 'd/M/yyyy', fallback: '1900-01-01' })
    expect(mapped('birth_date', { birth_date: dob }, { dob: '' })).toBe('1900-01-01')
  })

  it('accept a constant', () => {
    expect(mapped('plan', { plan: constant('premium') })).toBe('premium')
    expect(mapped('meta', { meta: constant('{"from":"his"}') })).toEqual({ from: 'his' })
  })
})

describe('a code from a column of type character(n)', () => {
  const character = { typeOid: 1042, type: 'character', category: 'S' }
  const types = new Map([['id', character]])
  const code = (mapping: Mapping, values: Parameters<typeof rowOf>[0], padded = types) => {
    const compiled = compileMapping({ ...base, ...mapping }, { ...options, types: padded })
    const result = compiled.map(rowOf(values))
    const found = result.kind === 'patient' ? result.patient.code : result
    // The old key of a change gives the same code as the row.
    if (typeof found === 'string') expect(compiled.codeOf(rowOf(values))).toBe(found)
    return { code: found, padding: compiled.padding }
  }
  const alone = { columns: ['id'], isAtEnd: true }

  it('has no padding', () => {
    expect(code({}, { id: 'p1      ' })).toEqual({ code: 'p1', padding: alone })
    expect(code({}, { id: ' p 1\t   ' }).code).toBe(' p 1\t')
    expect(code({}, { id: '        ' }).code).toMatchObject({ invalid: [{ attribute: 'code', reason: 'missing' }] })
  })

  it('has none in each of its parts, and keeps the spaces of the others', () => {
    const joinedCode = { code: joined(['id', 'tax'], '-') }
    expect(code(joinedCode, { id: 'p1   ', tax: 'x ' })).toEqual({
      code: 'p1-x ',
      padding: { columns: ['id'], isAtEnd: false },
    })
    const both = new Map([...types, ['tax', character] as const])
    expect(code(joinedCode, { id: 'p1   ', tax: 'x ' }, both)).toEqual({
      code: 'p1-x',
      padding: { columns: ['id', 'tax'], isAtEnd: true },
    })
  })

  it('is looked up in a value table with its padding, or without', () => {
    const none = { columns: [], isAtEnd: false }
    const values = { 'a  ': 'one', b: 'two' }
    expect(code({ code: column('id', { values }) }, { id: 'a  ' })).toEqual({ code: 'one', padding: none })
    expect(code({ code: column('id', { values }) }, { id: 'b  ' }).code).toBe('two')
  })

  it('comes to a transform without its padding', () => {
    const transform = { apply: (_: unknown, patient: Record<string, unknown>) => patient, contentHash: 'h' }
    const compiled = compileMapping({ ...base, plan: constant(null) }, { ...options, types, transform })
    expect(compiled.map(rowOf({ id: 'p1  ' }))).toMatchObject({ patient: { code: 'p1' } })
    expect(compiled.padding).toEqual(alone)
  })

  it.each([
    ['character varying', 1043],
    ['text', 25],
    ['"char"', 18],
  ])('is taken as it is if the type is %s', (type, typeOid) => {
    const other = new Map([['id', { typeOid, type, category: 'S' }]])
    expect(code({}, { id: 'p1  ' }, other)).toEqual({ code: 'p1  ', padding: { columns: [], isAtEnd: false } })
  })
})

describe('a blank attribute', () => {
  it('is null if it is optional and mapped, and absent if it is not mapped', () => {
    const result = compileMapping({ ...base, email: column('mail'), meta: column('extra') }, options).map(
      rowOf({ mail: '  ', extra: 'null' }),
    )
    expect(result).toEqual({
      kind: 'patient',
      patient: { code: '7', first_name: 'Ana', gender: 'female', birth_date: '1980-02-01', email: null, meta: null },
    })
  })

  it('is left out if it is the plan, unless a plan is required', () => {
    const mapping = { ...base, plan: column('tier') }
    expect(compileMapping(mapping, options).map(rowOf({ tier: '' }))).toMatchObject({
      kind: 'patient',
      patient: expect.not.objectContaining({ plan: expect.anything() }),
    })
    const strict = compileMapping(mapping, { columns, requiredAttributes: [...requiredAttributes, 'plan'] })
    expect(strict.map(rowOf({ tier: '' }))).toMatchObject({ invalid: [{ attribute: 'plan', reason: 'missing' }] })
  })

  it('makes the row invalid if it is required, and all of them are named', () => {
    const row = rowOf({ given: ' ', sex: null, dob: '' })
    expect(compileMapping(base, options).map(row)).toEqual({
      kind: 'invalid',
      code: '7',
      invalid: ['first_name', 'gender', 'birth_date'].map((attribute) => ({ attribute, reason: 'missing' })),
    })
    const relaxed = compileMapping(base, { columns, requiredAttributes: ['code', 'first_name'] })
    expect(relaxed.map(rowOf({ sex: null, dob: '' }))).toMatchObject({ patient: { gender: null, birth_date: null } })
  })
})

describe('an invalid value', () => {
  it.each([
    ['code', { id: 'x'.repeat(256) }, 'too long'],
    ['first_name', { given: 'A\0' }, 'unsupported characters'],
    ['last_name', { family: 'A\ud800' }, 'unsupported characters'],
    ['gender', { sex: 'Female' }, 'not one of the allowed values'],
    ['birth_date', { dob: '1980-02-30' }, 'not a date'],
    ['birth_date', { dob: 'infinity' }, 'date out of range'],
    ['locale', { lang: 'fr' }, 'not one of the allowed values'],
    ['meta', { extra: '[1]' }, 'not an object'],
    ['meta', { extra: '{' }, 'not an object'],
    ['meta', { extra: '"text"' }, 'not an object'],
    ['meta', { extra: '{"a":["\\u0000"]}' }, 'unsupported characters'],
    ['meta', { extra: `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}` }, 'too long'],
  ] as const)('of %s is named with its reason: %j', (attribute, values, reason) => {
    const result = compileMapping(wholeMapping, options).map(rowOf(values))
    expect(result).toEqual({
      kind: 'invalid',
      code: attribute === 'code' ? null : '7',
      invalid: [{ attribute, reason }],
    })
  })

  it('is a code of more than 255 characters, whatever their size', () => {
    expect(mapped('code', {}, { id: '😀'.repeat(255) })).toBe('😀'.repeat(255))
    expect(mapped('code', {}, { id: '😀'.repeat(256) })).toEqual([{ attribute: 'code', reason: 'too long' }])
  })
})

describe('a missing value', () => {
  const compiled = compileMapping({ ...base, last_name: joined(['family', 'second']) }, options)

  it('makes the row incomplete, not null', () => {
    expect(compiled.map(rowOf({ family: unchanged, given: unchanged }))).toEqual({
      kind: 'incomplete',
      columns: ['given', 'family'],
    })
    expect(compiled.map(new Map([['id', '7']]))).toMatchObject({ kind: 'incomplete' })
  })

  it('is irrelevant in a column that the mapping does not read', () => {
    expect(compiled.columns).toEqual(['id', 'given', 'family', 'second', 'sex', 'dob'])
    expect(compiled.map(rowOf({ extra: unchanged })).kind).toBe('patient')
  })

  it('does not hide the code', () => {
    expect(compiled.codeColumns).toEqual(['id'])
    expect(compiled.codeOf(new Map([['id', '7']]))).toBe('7')
    expect(compiled.codeOf(new Map([['id', unchanged]]))).toBeNull()
    expect(compiled.codeOf(new Map([['id', ' ']]))).toBeNull()
  })
})

describe('without a mapping', () => {
  it('each attribute comes from the column of its own name, if there is one', () => {
    const compiled = compileMapping(null, {
      columns: ['code', 'first_name', 'gender', 'birth_date', 'plan', 'other'],
      requiredAttributes,
    })
    expect(compiled.columns).toEqual(['code', 'first_name', 'gender', 'birth_date', 'plan'])
  })

  it('a required attribute needs its column', () => {
    expect(
      problemsOf(() => compileMapping(null, { columns: ['code', 'firstname', 'gender'], requiredAttributes })),
    ).toEqual([
      'mapping.first_name: is required and not mapped, and there is no published column "first_name"; did you mean "firstname"?',
      'mapping.birth_date: is required and not mapped, and there is no published column "birth_date"',
    ])
  })
})

describe('a mapping that needs a plan', () => {
  const refused = (mapping: Mapping | null, more: Partial<Parameters<typeof compileMapping>[1]> = {}) =>
    problemsOf(() => compileMapping(mapping, { ...options, requiresPlan: true, ...more }))
  const transform = { apply: () => null, contentHash: 'h' }

  it('is refused until somebody says where the plan comes from, or that there is none', () => {
    expect(refused(base)).toEqual([
      'mapping.plan: is not mapped: mediQuo would unsubscribe every patient; map a column or a constant, or write "plan: { constant: null }" if that is meant',
    ])
    for (const plan of [column('tier'), joined(['tier', 'tax']), constant('premium'), constant(null)])
      expect(refused({ ...base, plan })).toEqual([])
  })

  it('is refused where each attribute comes from the column of its own name, and there is no such column', () => {
    const named = ['code', 'first_name', 'gender', 'birth_date']
    expect(refused(null, { columns: [...named, 'plans'] })).toEqual([
      expect.stringMatching(
        /^mapping\.plan: is not mapped, and there is no published column "plan"; did you mean "plans"\?: /,
      ),
    ])
    expect(refused(null, { columns: named, generated: ['plan'] })).toEqual([
      expect.stringMatching(/^mapping\.plan: is not mapped, and column "plan" is generated/),
    ])
    expect(refused(null, { columns: [...named, 'plan'] })).toEqual([])
  })

  it('is named once with the other problems', () => {
    expect(refused({ ...base, email: column('maill') })).toHaveLength(2)
    const required: readonly Attribute[] = [...requiredAttributes, 'plan']
    expect(refused(base, { requiredAttributes: required })).toEqual(['mapping.plan: is required and not mapped'])
  })

  it('leaves it to a transform, which is asked about each row', () => {
    expect(refused(base, { transform })).toEqual([])
  })

  it('takes no constant of null for an attribute that every patient must have', () => {
    const null_ = constant(null)
    expect(refused({ ...base, plan: null_, gender: null_ })).toEqual([
      'mapping.gender: is required, and its constant is null: every row would be rejected',
    ])
    expect(refused({ ...base, plan: null_, code: null_ })).toEqual([
      'mapping.code: must not be a constant: every row would be the same patient',
    ])
    const required: readonly Attribute[] = [...requiredAttributes, 'plan']
    expect(refused({ ...base, plan: null_ }, { requiredAttributes: required })).toHaveLength(1)
  })
})

describe('a constant of null', () => {
  it('sends no plan, and clears any other attribute', () => {
    const compiled = compileMapping({ ...base, plan: constant(null), email: constant(null) }, options)
    expect(compiled.map(rowOf({ tier: 'premium' }))).toEqual({
      kind: 'patient',
      patient: { code: '7', first_name: 'Ana', gender: 'female', birth_date: '1980-02-01', email: null },
    })
  })

  it('has another meaning in fingerprints than no source', () => {
    expect(compileMapping({ ...base, plan: constant(null) }, options).id).not.toBe(compileMapping(base, options).id)
  })
})

describe('an invalid mapping', () => {
  it('is refused with every problem, its place and the nearest column', () => {
    const mapping: Mapping = {
      code: constant('1'),
      last_name: column('familly', { at: 'cdc.yaml:4' }),
      gender: column('sex', { values: { M: 'man', F: 'female' } }),
      birth_date: column('dob', { format: 'dd/MM/yy' }),
      email: column('mail', { format: 'yyyy' }),
      plan: constant(' '),
      meta: constant('[]'),
    }
    expect(problemsOf(() => compileMapping(mapping, options))).toEqual([
      'mapping.first_name: is required and not mapped',
      'mapping.code: must not be a constant: every row would be the same patient',
      'cdc.yaml:4: mapping.last_name: there is no published column "familly"; did you mean "family"?',
      'mapping.gender: has a configured value that will not do: not one of the allowed values',
      'mapping.birth_date: a date format with a two-digit year (yy) cannot tell 1925 from 2025; it needs yyyy',
      'mapping.email: takes no format: only birth_date does',
      'mapping.plan: has a configured value that will not do: empty',
      'mapping.meta: has a configured value that will not do: not an object',
    ])
    const code = column('id', { fallback: '0' })
    expect(problemsOf(() => compileMapping({ ...base, code }, options))).toEqual([
      'mapping.code: must not have a default: rows without a code would all be the same patient',
    ])
  })
})
