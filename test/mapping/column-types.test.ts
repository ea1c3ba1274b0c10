import { describe, expect, test } from 'vitest'
import { typeFault } from '../../src/mapping/column-types.ts'
import { compileMapping } from '../../src/mapping/compile.ts'
import { type AttributeSource, fromColumn } from '../../src/model/patient/mapping.ts'
import type { Attribute } from '../../src/model/patient/patient.ts'
import { textOf } from '../repository/files.ts'

/** `typcategory` of the types in the document. */
const categories: Readonly<Record<string, string>> = {
  text: 'S',
  'character varying': 'S',
  character: 'S',
  name: 'S',
  '"char"': 'Z',
  citext: 'S',
  uuid: 'U',
  smallint: 'N',
  integer: 'N',
  bigint: 'N',
  numeric: 'N',
  real: 'N',
  'double precision': 'N',
  money: 'N',
  boolean: 'B',
  date: 'D',
  'timestamp without time zone': 'D',
  'timestamp with time zone': 'D',
  'time without time zone': 'D',
  interval: 'T',
  'an enum': 'E',
  inet: 'I',
  bit: 'V',
  json: 'U',
  jsonb: 'U',
  bytea: 'U',
  'text[]': 'A',
  'a row type': 'C',
  daterange: 'R',
  point: 'G',
}

/** `pg_type.dat`. */
const oids: Readonly<Record<string, number>> = {
  date: 1082,
  'timestamp without time zone': 1114,
  'timestamp with time zone': 1184,
  json: 114,
  jsonb: 3802,
  bytea: 17,
}

const plain: AttributeSource = fromColumn('c')
const formatted: AttributeSource = { ...(plain as Extract<AttributeSource, { kind: 'columns' }>), format: 'yyyyMMdd' }
const tabled: AttributeSource = { ...(plain as Extract<AttributeSource, { kind: 'columns' }>), values: { a: 'male' } }

describe('docs/types.md', () => {
  const rows = [
    ...textOf('docs/types.md').matchAll(/^\| `([^`]+)` \| (yes|no) \| (yes|no) \| (yes|no) \| (yes|no) \|/gm),
  ]

  test('names every kind of type', () => {
    expect(rows.map(([, type]) => type).toSorted()).toEqual(Object.keys(categories).toSorted())
  })

  test.each(rows.map(([, ...cells]) => cells))(
    '%s: text %s, birth_date %s, with a format %s, meta %s',
    (type, ...said) => {
      const column = { typeOid: oids[type ?? ''] ?? 0, type: type ?? '', category: categories[type ?? ''] ?? '' }
      const may = (attribute: Attribute, source: AttributeSource) =>
        typeFault(attribute, source, column) === null ? 'yes' : 'no'
      const found = [may('email', plain), may('birth_date', plain), may('birth_date', formatted), may('meta', plain)]
      expect(found).toEqual(said)
      expect(may('gender', tabled)).toBe('yes')
    },
  )
})

describe('a mapping of a column with an unsuitable type', () => {
  const options = { columns: ['code', 'first_name'], requiredAttributes: [] }

  test('is refused with the column and the reason', () => {
    const types = new Map([['first_name', { typeOid: 17, type: 'bytea', category: 'U' }]])
    expect(() => compileMapping(null, { ...options, types })).toThrow(
      'mapping.first_name: column "first_name" is bytea: binary, which is no text to send',
    )
  })
})
