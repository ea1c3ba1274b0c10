import { expect, test } from 'vitest'
import { nearestName } from '../../src/model/nearest-name.ts'

const columns = ['given_name', 'family_name', 'birth_date', 'email']

test.each([
  ['a letter too many', 'emaill'],
  ['a letter too few', 'emai'],
  ['a letter that is missing at the front', 'mail'],
  ['a letter for another', 'ewail'],
  ['other cases and separators', 'E-Mail'],
])('a name with %s matches the similar name', (_, misspelt) => {
  expect(nearestName(misspelt, columns)).toBe('email')
})

test.each([
  ['givenName', 'given_name'],
  ['FAMILY-NAME', 'family_name'],
  ['birthdate', 'birth_date'],
])('%s matches %s: case, underscores and hyphens are ignored', (written, meant) => {
  expect(nearestName(written, columns)).toBe(meant)
})

test('the nearest of several similar names matches, or the first of equally near ones', () => {
  expect(nearestName('colour', ['colouring', 'colours', 'color'])).toBe('colours')
  expect(nearestName('colour', ['color', 'colours'])).toBe('color')
})

test('a third of the letters may differ, rounded down, and no more', () => {
  expect(nearestName('abcdef', ['abcdxy'])).toBe('abcdxy')
  expect(nearestName('abcdef', ['abcxyz'])).toBeNull()
  expect(nearestName('abcde', ['abcxy'])).toBeNull()
  expect(nearestName('abc', ['abx'])).toBe('abx')
  expect(nearestName('id', ['if'])).toBeNull()
})

test('common letters count only in the same order', () => {
  expect(nearestName('kitten', ['sitting'])).toBeNull()
  expect(nearestName('kitten', ['kitchen'])).toBe('kitchen')
  expect(nearestName('abcdef', ['fedcba'])).toBeNull()
})

test('an empty list and an empty name match nothing', () => {
  expect(nearestName('email', [])).toBeNull()
  expect(nearestName('', ['a'])).toBeNull()
})

test('letters after the 64th are ignored, so that the cost is bounded', () => {
  const long = 'n'.repeat(64)
  expect(nearestName(`${long}${'x'.repeat(64)}`, [`${long}${'y'.repeat(64)}`])).not.toBeNull()
})
