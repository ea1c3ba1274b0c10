import { createSecretKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { compileMapping } from '../../src/mapping/compile.ts'
import { payloadFingerprint } from '../../src/mapping/fingerprint.ts'
import type { TransformFunction } from '../../src/mapping/transform.ts'
import { jsonText } from '../../src/model/json/json-text.ts'
import type { AttributeSource } from '../../src/model/patient/mapping.ts'
import type { Mapped } from '../../src/model/patient/patient.ts'
import { column, columns, constant, requiredAttributes, rowOf, wholeMapping } from './sources.ts'

const secret = createSecretKey(Buffer.alloc(32, 1))
const numbers = '{"card":12345678901234567890,"dose":0.1000000000000000055,"price":1.10,"far":1e400,"zero":-0}'

function mapped(extra: string, { apply, meta }: { apply?: TransformFunction; meta?: AttributeSource } = {}): Mapped {
  const transform = apply ? { apply, contentHash: 'h' } : null
  const mapping = meta ? { ...wholeMapping, meta } : wholeMapping
  return compileMapping(mapping, { columns, requiredAttributes, transform }).map(rowOf({ extra }))
}

/** Returns the `meta` of a row as it is sent. */
function sentMeta(...args: Parameters<typeof mapped>): string {
  const result = mapped(...args)
  return result.kind === 'patient' ? jsonText(result.patient.meta) : result.kind
}

function fingerprintOf(extra: string): string | null {
  const result = mapped(extra)
  return result.kind === 'patient' ? payloadFingerprint(secret, 'm', result.patient) : null
}

describe('a number in meta', () => {
  it('is sent with the digits of the table', () => {
    expect(sentMeta(numbers)).toBe(numbers)
    expect(sentMeta(`{"deep":[[${numbers}]]}`)).toBe(`{"deep":[[${numbers}]]}`)
  })

  it.each([
    ['a constant', constant(numbers)],
    ['a default', column('tel', { fallback: numbers })],
    ['a table of values', column('id', { values: { '7': numbers } })],
  ])('is sent with the digits of %s', (_, meta) => {
    expect(sentMeta('', { meta })).toBe(numbers)
  })

  it('is not hidden by a key that objects have anyway', () => {
    const text = '{"__proto__":{"card":12345678901234567890},"constructor":1.10,"toJSON":2.50,"digits":"7"}'
    expect(sentMeta(text)).toBe(text)
    expect(sentMeta(text, { apply: (_row, patient) => patient })).toBe(text)
  })

  it('counts in the fingerprint up to its last digit', () => {
    expect(fingerprintOf('{"a":12345678901234567890}')).not.toBe(fingerprintOf('{"a":12345678901234567891}'))
    expect(fingerprintOf('{"a":0.1000000000000000055}')).not.toBe(fingerprintOf('{"a":0.1}'))
    expect(fingerprintOf('{"a":12345678901234567890}')).not.toBe(fingerprintOf('{"a":"12345678901234567890"}'))
    expect(fingerprintOf('{"a":1.10,"b":2}')).toBe(fingerprintOf('{"b": 2, "a": 1.10}'))
  })

  it('makes no object of a meta that is only a number', () => {
    expect(mapped('12345678901234567890')).toMatchObject({ invalid: [{ attribute: 'meta', reason: 'not an object' }] })
  })
})

describe('a transform', () => {
  it('that leaves a number where it is leaves its digits', () => {
    expect(sentMeta(numbers, { apply: (_row, patient) => patient })).toBe(numbers)
    const inside = `{"list":[${numbers},1.50],"own":{"price":1.10}}`
    expect(sentMeta(inside, { apply: (_row, patient) => ({ ...patient, phone: '1' }) })).toBe(inside)
  })

  it('sees an ordinary number wherever JavaScript can hold the value', () => {
    let seen: unknown
    mapped('{"price":1.10,"size":1e2,"zero":-0}', {
      apply: (_row, patient) => {
        seen = patient.meta
        return patient
      },
    })
    expect(seen).toStrictEqual({ price: 1.1, size: 100, zero: -0 })
  })

  it('may move a number that JavaScript cannot hold, put it into a text, or calculate with it', () => {
    const apply: TransformFunction = (_row, patient) => {
      const { card, dose } = patient.meta as { card: number; dose: number }
      return {
        ...patient,
        phone: `${card}`,
        meta: { insurance: [{ card }], half: dose / 2, json: JSON.stringify(card) },
      }
    }
    const result = mapped(numbers, { apply })
    expect(result).toMatchObject({ patient: { phone: '12345678901234567890' } })
    expect(sentMeta(numbers, { apply })).toBe(
      String.raw`{"insurance":[{"card":12345678901234567890}],"half":0.05,"json":"\"12345678901234567890\""}`,
    )
  })

  it('may replace a number by another one', () => {
    const apply: TransformFunction = (_row, patient) => ({ ...patient, meta: { price: 2, card: 1, dose: null } })
    expect(sentMeta(numbers, { apply })).toBe('{"price":2,"card":1,"dose":null}')
  })

  it('that clones a number which JavaScript cannot hold fails, instead of sending an object', () => {
    const apply: TransformFunction = (_row, patient) => structuredClone(patient)
    expect(mapped(numbers, { apply })).toMatchObject({ invalid: [{ reason: 'transform failed' }] })
    expect(sentMeta('{"price":1.10}', { apply })).toBe('{"price":1.10}')
  })
})
