import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { compileMapping } from '../../src/mapping/compile.ts'
import { rulesOf, validatePatient } from '../../src/mapping/validate.ts'
import { type Attribute, attributes } from '../../src/model/patient/patient.ts'
import { type ColumnValue, unchanged } from '../../src/model/source/row.ts'
import { column, columns, constant, joined, requiredAttributes, rowOf, wholeMapping } from './sources.ts'

/** Independent schema of the Patient object, to check the validation against. */
const text = z
  .string()
  .refine((value) => value.trim() !== '' && JSON.stringify(value).match(/\\u0000|\\ud[89a-f]/i) === null)
const optional = text.nullable().optional()
const patientSchema = z.strictObject({
  code: text.refine((value) => Array.from(value).length <= 255),
  first_name: text,
  last_name: optional,
  gender: z.enum(['male', 'female']),
  birth_date: z.iso.date().refine((value) => !value.startsWith('0000')),
  email: optional,
  plan: text.optional(),
  tax_id: optional,
  phone: optional,
  locale: z.enum(['de', 'en', 'es', 'pt']).nullable().optional(),
  meta: z.record(z.string(), z.json()).nullable().optional(),
} satisfies Record<Attribute, z.ZodType>)

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ maxLength: 3 }),
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '\ud800',
    'male',
    'female',
    'M',
    'F',
    'es',
    'infinity',
    '{}',
    '{"a":1}',
    '1980-02-01',
    '01/02/1980',
    'a'.repeat(300),
  ),
  fc.json(),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString().slice(0, 10)),
)
const anyValue: fc.Arbitrary<ColumnValue> = fc.oneof(
  { weight: 12, arbitrary: anyText },
  { weight: 2, arbitrary: fc.constant(null) },
  fc.constant(unchanged),
)
/** Mostly valid rows, so that both results occur. */
const anyRow = fc.dictionary(fc.constantFrom(...columns), anyValue, { maxKeys: 4 }).map(rowOf)

const mappings = [
  wholeMapping,
  {
    ...wholeMapping,
    code: joined(['id', 'tax'], '/'),
    first_name: joined(['given', 'second']),
    gender: column('sex', { values: { M: 'male', F: 'female', female: 'female' } }),
    birth_date: column('dob', { format: 'dd/MM/yyyy', fallback: '1900-01-01' }),
    plan: constant('premium'),
    meta: constant('{"a":[1]}'),
  },
].map((mapping) => compileMapping(mapping, { columns, requiredAttributes }))

describe('any row', () => {
  it('maps without throwing, to a valid Patient or to reasons', () => {
    const kinds = new Set<string>()
    fc.assert(
      fc.property(anyRow, fc.constantFrom(...mappings), (row, compiled) => {
        const mapped = compiled.map(row)
        kinds.add(mapped.kind)
        if (mapped.kind === 'patient') expect(patientSchema.safeParse(mapped.patient).error).toBeUndefined()
        if (mapped.kind === 'invalid') expect(mapped.invalid.length).toBeGreaterThan(0)
        if (mapped.kind === 'incomplete') expect(mapped.columns.length).toBeGreaterThan(0)
      }),
      { numRuns: 3000 },
    )
    expect([...kinds].sort()).toEqual(['incomplete', 'invalid', 'patient'])
  })

  it('has none of its values in the reasons', () => {
    const compiled = compileMapping(wholeMapping, { columns, requiredAttributes })
    const value = fc.stringMatching(/^zq[0-9]{8}$/)
    fc.assert(
      fc.property(value, fc.constantFrom('given', 'sex', 'dob', 'lang', 'extra'), (value, name) => {
        const mapped = compiled.map(rowOf({ sex: 'x', [name]: value }))
        expect(mapped.kind).toBe('invalid')
        expect(JSON.stringify(mapped)).not.toContain(value)
      }),
    )
  })
})

describe('any result of a transform', () => {
  it('is checked without throwing; an accepted one is a valid Patient with the attributes in order', () => {
    const valid = { code: '7', first_name: 'Ana', gender: 'female', birth_date: '1980-02-01' }
    const anything = fc.oneof(
      anyText,
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
    )
    const candidate = fc.dictionary(fc.constantFrom(...attributes), anything, { maxKeys: 3 })
    fc.assert(
      fc.property(candidate, (changes) => {
        const result = validatePatient({ ...changes, ...valid, ...changes }, rulesOf(requiredAttributes))
        if (result.kind === 'invalid') {
          expect(result.invalid.length).toBeGreaterThan(0)
          return
        }
        expect(patientSchema.safeParse(result.patient).error).toBeUndefined()
        const names = Object.keys(result.patient)
        expect(names).toEqual(attributes.filter((attribute) => names.includes(attribute)))
      }),
      { numRuns: 3000 },
    )
  })
})
