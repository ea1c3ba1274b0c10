import { expect, test } from 'vitest'
import { nearestName } from '../../src/model/nearest-name.ts'

const columns = ['given_name', 'family_name', 'birth_date', 'email']

test.each([
  ['a letter too many', 'emaill'],
  ['a letter too few', 'emai'],
  ['a letter that is missing at the front', 'mail'],
  ['a letter for another', 'ewail'],
  ['other cases and separators', 'E-Mail'],
])('a name with %s means the one it resembles', (_, misspelt) => {
  expect(nearestName(misspelt, columns)).toBe('email')
})

test.each([
  ['givenName', 'given_name'],
  ['FAMILY-NAME', 'family_name'],
  ['birthdate', 'birth_date'],
])('%s is %s: case, underscores and hyphens are no difference', (written, meant) => {
  expect(nearestName(written, columns)).toBe(meant)
})

test('of several that are near it is the nearest, and the first of those that are as near', () => {
  expect(nearestName('colour', ['colouring', 'colours', 'color'])).toBe('colours')
  expect(nearestName('colour', ['color', 'colours'])).toBe('color')
})

test('a third of the letters may be wrong, rounded down, and no more', () => {
  expect(nearestName('abcdef', ['abcdxy'])).toBe('abcdxy')
  expect(nearestName('abcdef', ['abcxyz'])).toBeNull()
  expect(nearestName('abcde', ['abcxy'])).toBeNull()
  expect(nearestName('abc', ['abx'])).toBe('abx')
  expect(nearestName('id', ['if'])).toBeNull()
})

test('letters that two names share count only in the same order', () => {
  expect(nearestName('kitten', ['sitting'])).toBeNull()
  expect(nearestName('kitten', ['kitchen'])).toBe('kitchen')
  expect(nearestName('abcdef', ['fedcba'])).toBeNull()
})

test('none is near if there is none, and a name of no letters is near to none', () => {
  expect(nearestName('email', [])).toBeNull()
  expect(nearestName('', ['a'])).toBeNull()
})

test('what follows the 64th letter of a name is not looked at, so that a text of any length costs little', () => {
  const long = 'n'.repeat(64)
  expect(nearestName(`${long}${'x'.repeat(64)}`, [`${long}${'y'.repeat(64)}`])).not.toBeNull()
})
