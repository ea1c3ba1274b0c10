import { describe, expect, test } from 'vitest'
import { compileDateFormat, readIsoDate } from '../../src/mapping/birth-date.ts'
import { columnsNamedFor, likeness } from '../../src/proposal/column-names.ts'
import { dateFormat, genderValues } from '../../src/proposal/known-values.ts'
import { proposeMapping } from '../../src/proposal/propose-mapping.ts'

describe('the columns of an attribute', () => {
  test.each([
    ['last_name', ['Apellido1', 'apellido2'], ['Apellido1', 'apellido2']],
    ['last_name', ['APELLIDOS'], ['APELLIDOS']],
    ['birth_date', ['fechaNacimiento'], ['fechaNacimiento']],
    ['birth_date', ['FEC_NAC'], ['FEC_NAC']],
    ['gender', ['género'], ['género']],
    ['first_name', ['nombre', 'segundo_nombre'], ['nombre', 'segundo_nombre']],
    ['code', ['id', 'nhc'], ['nhc']],
    ['phone', ['height'], []],
  ] as const)('%s of %j are %j', (attribute, columns, expected) => {
    expect(columnsNamedFor(attribute, columns)).toEqual(expected)
  })

  test('distinguish a table of patients from one of visits', () => {
    expect(likeness(['id', 'nombre', 'apellidos', 'sexo', 'fecha_nacimiento'])).toBe(4)
    expect(likeness(['id', 'patient_id', 'visited_at', 'note'])).toBe(0)
  })
})

describe('the values of a gender', () => {
  test.each([
    [['M', 'F'], { M: 'male', F: 'female' }, 0, false],
    [['H', 'M'], { H: 'male', M: 'female' }, 0, false],
    [['Hombre', 'Mujer'], { Hombre: 'male', Mujer: 'female' }, 0, false],
    [['m', 'w', ' '], { m: 'male', w: 'female' }, 0, false],
    // M alone is ambiguous.
    [['M'], {}, 0, true],
    [['M', 'F', 'H'], { F: 'female', H: 'male' }, 0, true],
    // Unknown words are never named.
    [['M', 'F', 'X', 'Zelda'], { M: 'male', F: 'female' }, 2, false],
  ])('%j', (found, values, others, isAmbiguous) => {
    expect(genderValues(found)).toEqual({ values, others, isAmbiguous })
  })
})

describe('the format of dates that are text', () => {
  const reads = (format: string | null, text: string) => {
    const read = format === null ? readIsoDate : compileDateFormat(format)
    return typeof read === 'function' && 'date' in read(text)
  }
  test.each([
    [['1980-02-01'], null, false],
    [['31/12/1980', '01/02/1990'], 'dd/MM/yyyy', false],
    [['12/31/1980', '01/02/1990'], 'MM/dd/yyyy', false],
    [['01/02/1990', ''], 'dd/MM/yyyy', true],
    [['19800201'], 'yyyyMMdd', false],
    [['1.2.1980'], 'd.M.yyyy', false],
    [['soon'], null, false],
    [[], null, false],
  ])('of %j is %s', (texts, format, isAmbiguous) => {
    expect(dateFormat(texts, reads)).toEqual({ format, isAmbiguous })
  })
})

test('a proposed mapping lists what to check, and uses the key if no column is named like a code', () => {
  const column = (name: string, type: 'text' | 'json' | 'date' | 'other') => ({
    name,
    isText: type === 'text',
    isJson: type === 'json',
    isDate: type === 'date',
  })
  const table = {
    columns: [
      column('id', 'other'),
      column('nombre', 'text'),
      column('sexo', 'text'),
      column('nacimiento', 'text'),
      column('meta', 'text'),
    ],
    key: ['id'],
  }
  const found = proposeMapping(table, {
    genders: () => ({ values: { H: 'male' }, others: 1, isAmbiguous: true }),
    dates: () => ({ format: 'dd/MM/yyyy', isAmbiguous: true }),
  })
  expect(found).toEqual([
    { attribute: 'code', written: 'id' },
    { attribute: 'first_name', written: 'nombre' },
    {
      attribute: 'gender',
      written: { column: 'sexo', values: { H: 'male' } },
      comment: expect.stringContaining('M may mean male or mujer: add it to the table; 1 more values are in use'),
    },
    {
      attribute: 'birth_date',
      written: { column: 'nacimiento', format: 'dd/MM/yyyy' },
      comment: expect.stringContaining('do not tell day from month'),
    },
  ])
})
