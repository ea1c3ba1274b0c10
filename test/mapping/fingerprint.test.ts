import { createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileMapping } from '../../src/mapping/compile.ts'
import { payloadFingerprint } from '../../src/mapping/fingerprint.ts'
import { type Patient, patientCode } from '../../src/model/patient/patient.ts'
import { column, columns, requiredAttributes, wholeMapping } from './sources.ts'

const key = createSecretKey(Buffer.alloc(32, 1))
const patient: Patient = {
  code: patientCode('7'),
  first_name: 'Ana',
  email: null,
  meta: { a: 1, b: { c: [{ d: 1, e: 2 }] } },
}
const fingerprint = (patient: Patient, id = 'm', secret = key) => payloadFingerprint(secret, id, patient)

describe('a payload fingerprint', () => {
  it('has 16 bytes and does not depend on the order of keys', () => {
    const same: Patient = {
      meta: { b: { c: [{ e: 2, d: 1 }] }, a: 1 },
      email: null,
      first_name: 'Ana',
      code: patientCode('7'),
    }
    expect(fingerprint(patient)).toHaveLength(32)
    expect(fingerprint(same)).toBe(fingerprint(patient))
  })

  it('depends on the key, on the mapping, and on every attribute: null differs from absent, and text in one attribute from another', () => {
    const { email: _, ...absent } = patient
    const others = [
      fingerprint(patient, 'n'),
      fingerprint(patient, 'm', createSecretKey(Buffer.alloc(32, 2))),
      fingerprint(absent),
      fingerprint({ ...patient, email: '' }),
      fingerprint({ ...absent, plan: 'x' }),
      fingerprint({ ...absent, phone: 'x' }),
      fingerprint({ ...patient, meta: { a: 1, b: { c: [{ e: 2, d: 2 }] } } }),
      fingerprint({ ...patient, meta: { a: '1', b: { c: [{ e: 2, d: 1 }] } } }),
    ]
    expect(new Set([...others, fingerprint(patient)]).size).toBe(others.length + 1)
  })

  it('differs for any two names and e-mails', () => {
    const texts = fc.tuple(fc.string(), fc.string())
    fc.assert(
      fc.property(texts, texts, ([first_name, email], [otherName, otherEmail]) => {
        const same = first_name === otherName && email === otherEmail
        const one = fingerprint({ code: patientCode('7'), first_name, email })
        expect(one === fingerprint({ code: patientCode('7'), first_name: otherName, email: otherEmail })).toBe(same)
      }),
    )
  })
})

describe("a mapping's id", () => {
  const idOf = (mapping: Parameters<typeof compileMapping>[0], more = {}) =>
    compileMapping(mapping, { columns, requiredAttributes, ...more }).id

  it('is the same anywhere in the file', () => {
    const moved = Object.fromEntries(
      Object.entries(wholeMapping)
        .toReversed()
        .map(([name, source]) => [name, { ...source, at: 'other.yaml:9' }]),
    )
    expect(idOf(moved)).toBe(idOf(wholeMapping))
    expect(idOf(wholeMapping, { columns: [...columns, 'new'] })).toBe(idOf(wholeMapping))
  })

  it('is the same in the next version, which would read the whole table otherwise', () => {
    // A key that is added to a source must be left out of the id while it has its default.
    expect(idOf(wholeMapping)).toBe('67dd511a491bb02cab69729fadb99647')
    expect(idOf(wholeMapping, { transform: { apply: () => null, contentHash: 'h' } })).toBe(
      '8a1913f1d73b4fec11e12954c4185088',
    )
  })

  it('changes with the padding that is taken off a code, and with that alone', () => {
    const type = (name: string) => ({ types: new Map([[name, { typeOid: 1042, type: 'character', category: 'S' }]]) })
    expect(idOf(wholeMapping, type('id'))).not.toBe(idOf(wholeMapping))
    expect(idOf(wholeMapping, type('family'))).toBe(idOf(wholeMapping))
  })

  it('changes with a source, with what is required and with the transform', () => {
    const transform = (contentHash: string) => ({ transform: { apply: () => null, contentHash } })
    const ids = [
      idOf(wholeMapping),
      idOf({ ...wholeMapping, email: column('tel') }),
      idOf({ ...wholeMapping, email: column('mail', { fallback: 'x@example' }) }),
      idOf({ ...wholeMapping, gender: column('sex', { values: { M: 'male' } }) }),
      idOf(wholeMapping, { requiredAttributes: ['code', 'first_name'] }),
      idOf(wholeMapping, transform('1')),
      idOf(wholeMapping, transform('2')),
    ]
    expect(new Set(ids).size).toBe(ids.length)
  })
})
