import { expect, test } from 'vitest'
import { sizeInWords, timeInWords } from '../../src/model/quantity.ts'

const kB = 1024
const MB = 1024 * kB
const GB = 1024 * MB
const TB = 1024 * GB

test.each([
  [0, '0 B'],
  [9, '9 B'],
  [1023, '1023 B'],
  [kB, '1.0 kB'],
  [1.5 * kB, '1.5 kB'],
  [10 * kB, '10 kB'],
  [MB - kB, '1023 kB'],
  [MB, '1.0 MB'],
  [16 * MB, '16 MB'],
  [GB, '1.0 GB'],
  [2.25 * TB, '2.3 TB'],
  [5000 * TB, '5000 TB'],
])('%d bytes are %s: with a decimal only for small numbers, and no unit beyond the last', (bytes, words) => {
  expect(sizeInWords(bytes)).toBe(words)
})

test.each([
  [0, '0 s'],
  [89, '89 s'],
  [90, '2 min'],
  [3_600, '60 min'],
  [5_399, '90 min'],
  [5_400, '1.5 h'],
  [129_599, '36.0 h'],
  [129_600, '2 days'],
  [864_000, '10 days'],
])('%d seconds are %s: from one and a half of the next unit on in that unit', (seconds, words) => {
  expect(timeInWords(seconds)).toBe(words)
})
