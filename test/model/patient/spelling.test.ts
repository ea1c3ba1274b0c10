import { describe, expect, test } from 'vitest'
import { ExactNumber } from '../../../src/model/json/exact-number.ts'
import { patientCode } from '../../../src/model/patient/patient.ts'
import { codeInAnswer, type Respelling, respellingsBetween, spellingOf } from '../../../src/model/patient/spelling.ts'

const between = (one: string, other: string) => respellingsBetween(patientCode(one), patientCode(other))

describe('two spellings of one code', () => {
  test.each<[string, string, Respelling[]]>([
    ['p1', 'p1', []],
    ['p1      ', 'p1', ['spaces']],
    ['\u00a0p1', 'p1\t', ['spaces']],
    ['p1\u200b', 'p1', ['spaces']],
    ['P1', 'p1', ['letter case']],
    ['jos\u00e9', 'jose\u0301', ['Unicode form']],
    ['JOS\u00c9', 'jose\u0301', ['Unicode form', 'letter case']],
    ['\u212b-1', '\u00c5-1', ['Unicode form']],
    [' Stra\u00dfe', 'STRASSE', ['spaces', 'letter case']],
    ['\u039f\u0394\u039f\u03a3', '\u03bf\u03b4\u03bf\u03c2', ['letter case']],
    ['\u0130-7', 'i\u0307-7', ['letter case']],
    // Two combining marks in another order.
    ['a\u0323\u0307', 'a\u0307\u0323', ['Unicode form']],
  ])('%j and %j differ in %j', (one, other, differences) => {
    expect(between(one, other)).toEqual(differences)
    expect(between(other, one)).toEqual(differences)
    expect(spellingOf(one)).toBe(spellingOf(other))
  })

  test.each([
    ['p1', 'p2'],
    ['p 1', 'p1'],
    ['007', '7'],
    // Only in Turkish it is a small I, and a dotted capital is a letter of its own.
    ['\u0131d7', 'Id7'],
    ['\u0130d7', 'Id7'],
    // Compatibility forms are other characters: NFC keeps them.
    ['\uff11', '1'],
    ['x\u00b2', 'x2'],
    ['e\u0301', 'e'],
    ['$&', '$&$&'],
  ])('%j and %j are two codes', (one, other) => {
    expect(between(one, other)).toBeNull()
    expect(between(other, one)).toBeNull()
  })

  test('do not differ in a text that only looks like a pattern', () => {
    expect(between('  $& ', '$&')).toEqual(['spaces'])
    expect(between('', '')).toEqual([])
  })
})

describe('the code of an answer', () => {
  test.each<[unknown, string | null]>([
    ['p1', 'p1'],
    [123, '123'],
    [new ExactNumber('12345678901234567890'), '12345678901234567890'],
    [null, null],
    [undefined, null],
    [true, null],
    [['p1'], null],
    [{ code: 'p1' }, null],
  ])('%j is %j', (value, code) => {
    expect(codeInAnswer(value)).toBe(code)
  })
})
