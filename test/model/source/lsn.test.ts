import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatLsn, lsn, maxLsn, parseLsn } from '../../../src/model/source/lsn.ts'

test('the text form is that of the server: upper case, without padding', () => {
  expect(formatLsn(lsn(0x16_b374_d848n))).toBe('16/B374D848')
  expect(formatLsn(lsn(0x1_0000_00ffn))).toBe('1/FF')
  expect(formatLsn(lsn(0xab_0000_0001n))).toBe('AB/1')
})

test('text and bytes are equivalent, over all 64 bits', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }), (bytes) => {
      expect(parseLsn(formatLsn(lsn(bytes)))).toBe(bytes)
    }),
  )
})

test.each(['', '0', '1/', '/1', '1/2/3', '123456789/0', '0/123456789', 'G/0', ' 0/0', '-1/0'])(
  '%j is not a position',
  (text) => {
    expect(() => parseLsn(text)).toThrow(RangeError)
    expect(() => parseLsn(text)).toThrow(`not a WAL position: ${JSON.stringify(text)}`)
  },
)

test('a position has 64 bits', () => {
  expect(lsn(0n)).toBe(0n)
  expect(lsn((1n << 64n) - 1n)).toBe((1n << 64n) - 1n)
  expect(() => lsn(-1n)).toThrow(RangeError)
  expect(() => lsn(1n << 64n)).toThrow(RangeError)
  expect(() => lsn(-1n)).toThrow('not a WAL position: -1')
})

test('the later of two positions is found beyond the low 32 bits', () => {
  expect(maxLsn(parseLsn('0/FFFFFFFF'), parseLsn('1/0'))).toBe(parseLsn('1/0'))
})
