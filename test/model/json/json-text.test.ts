import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decimalOf, ExactNumber, fitsNumber } from '../../../src/model/json/exact-number.ts'
import { jsonText } from '../../../src/model/json/json-text.ts'
import { parseExactly } from '../../../src/model/json/parse-exactly.ts'

/** Numbers that JavaScript prints in another way. */
const altered = ['12345678901234567890', '0.1000000000000000055', '1.10', '1.0', '-0', '1e400', '1e-400', '1E2', '1e21']
const notJson = ['', ' ', '{', '[1', '{"a":1', '[1,]', '{"a":1,}', '{a:1}', '1 2', '[1] x', '01', '1.', '.5', '-', '+1']
const notJsonEither = ['1e', 'NaN', 'Infinity', 'tru', '"a', '"\t"', '"\\x"', '\u00a01', "{'a':1}", '{"a" 1}', '// 1']

const digits = fc.stringMatching(/^[0-9]{1,30}$/)
const numberText = fc
  .record({
    sign: fc.constantFrom('', '-'),
    whole: fc.stringMatching(/^(0|[1-9][0-9]{0,25})$/),
    fraction: fc.option(digits, { nil: null }),
    exponent: fc.option(fc.stringMatching(/^[eE][+-]?[0-9]{1,3}$/), { nil: '' }),
  })
  .map(({ sign, whole, fraction, exponent }) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${exponent}`)

describe('parsing', () => {
  test.each(altered)('keeps the digits of %s', (number) => {
    const text = `{"a":[${number}],"b":{"c":${number}}}`
    expect(jsonText(parseExactly(text))).toBe(text)
  })

  test('keeps the digits of any number', () => {
    fc.assert(
      fc.property(numberText, (number) => {
        expect(jsonText(parseExactly(`[${number}]`))).toBe(`[${number}]`)
      }),
    )
  })

  test.each(['1', '-1', '1.5', '9007199254740991', '0.1', '1e+21', '5e-324'])('gives a number for %s', (number) => {
    expect(parseExactly(number)).toBe(Number(number))
  })

  test('gives what JSON.parse gives for any text without such numbers', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('', ' ', '\t\n'), (value, space) => {
        const text = JSON.stringify(value, null, space)
        expect(parseExactly(text)).toStrictEqual(JSON.parse(text))
        expect(jsonText(parseExactly(text))).toBe(JSON.stringify(JSON.parse(text)))
      }),
    )
  })

  test.each(['__proto__', 'constructor', 'toString', 'toJSON', 'digits', '', '2'])('keeps a key "%s"', (key) => {
    const text = `{"${key}":{"a":1.10},"x":{"${key}":null}}`
    expect(jsonText(parseExactly(text))).toBe(text)
    expect(Object.getPrototypeOf(parseExactly(text))).toBe(Object.prototype)
  })

  test('takes the last of two equal keys, as JSON.parse does', () => {
    expect(jsonText(parseExactly('{"a":1,"a":1.10,"b":1.10,"b":2}'))).toBe('{"a":1.10,"b":2}')
  })

  test.each([...notJson, ...notJsonEither])('throws on %j', (text) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError)
    expect(() => parseExactly(text)).toThrow(Error)
  })

  test('reads escapes, surrogates and long texts as JSON.parse does', () => {
    for (const text of [
      '"\\u00e9\\n\\/\\"\\\\"',
      '"\\ud83d\\ude00"',
      '"\\ud83d"',
      '"😀ñ"',
      JSON.stringify('añ😀'.repeat(100_000)),
    ])
      expect(parseExactly(text)).toBe(JSON.parse(text))
  })

  test('does not recurse, however deep the text is nested', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    expect(Array.isArray(parseExactly(deep))).toBe(true)
  })
})

describe('printing', () => {
  test('leaves an absent property out, as JSON.stringify does', () => {
    expect(jsonText({ a: undefined, b: null })).toBe('{"b":null}')
  })
})

describe('an exact number', () => {
  test('counts as its digits in a text, and as the nearest number in arithmetic', () => {
    const exact = new ExactNumber('12345678901234567890')
    expect([`${exact}`, JSON.stringify([exact])]).toEqual(['12345678901234567890', '["12345678901234567890"]'])
    expect(Number(exact) / 2).toBe(Number('12345678901234567890') / 2)
  })

  test('cannot be cloned into another object, nor changed', () => {
    const exact = new ExactNumber('1.10')
    expect(() => structuredClone(exact)).toThrow(/could not be cloned/)
    expect(() => Object.assign(exact, { digits: '2' })).toThrow(TypeError)
  })

  test.each([
    ['1.10', true],
    ['-0', true],
    ['1e2', true],
    ['12345678901234567890', false],
    ['0.1000000000000000055', false],
    ['1e400', false],
    ['1e-400', false],
  ])('fits into a number, %s: %s', (number, fits) => {
    expect(fitsNumber(new ExactNumber(number))).toBe(fits)
  })

  test.each([
    ['1.10', '1.1', '11e-1', '0.11e1'],
    ['-0', '0', '0.0', '0e5'],
    ['100', '1e2', '1E+2', '100.00'],
    ['-2.5', '-25e-1', '-0.025e2', '-2.50'],
  ])('equals every notation of its value: %s, %s, %s, %s', (...notations) => {
    expect(new Set(notations.map((text) => decimalOf(new ExactNumber(text)))).size).toBe(1)
  })

  test('differs from every other value, whatever its size', () => {
    const values = ['1', '-1', '10', '1e400', '1e401', '1e9999999999999999999', '1e9999999999999999998', '0']
    expect(new Set(values.map((text) => decimalOf(new ExactNumber(text)))).size).toBe(values.length)
  })

  test('has the value of the number that JavaScript prints', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        expect(decimalOf(new ExactNumber(String(number)))).toBe(decimalOf(number))
        expect(decimalOf(new ExactNumber(number.toExponential()))).toBe(decimalOf(number))
      }),
    )
  })
})
