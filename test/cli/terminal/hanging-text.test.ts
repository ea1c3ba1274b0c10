import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hangingText } from '../../../src/cli/terminal/hanging-text.ts'

test('continues text longer than 80 columns in the next line, indented', () => {
  const text = hangingText('failed  ', `the publication: ${'word '.repeat(30).trim()}`, ' '.repeat(10))
  const [first = '', ...rest] = text.split('\n')
  expect(first).toMatch(/^failed {2}the publication: word/)
  expect(rest.length).toBeGreaterThan(0)
  for (const line of rest) expect(line).toMatch(/^ {10}\S/)
})

test('never breaks a quoted text, and takes no apostrophe for a quote', () => {
  const literal = `'${'a b '.repeat(10)}'`
  const name = `"${'c d '.repeat(10)}"`
  const sql = `ALTER TABLE ${name} SET x = ${literal}, y = 1; it is the server's; the table's rows are ${'all '.repeat(20)}`
  const wrapped = hangingText('', sql, '  ')
  expect(wrapped).toContain(literal)
  expect(wrapped).toContain(name)
  expect(wrapped.split('\n').filter((line) => line.length > 80)).toEqual([])
})

test('changes only blanks between words, and exceeds the width only for a longer word', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z'"(),=]{1,30}$/), { maxLength: 60 }), (words) => {
      const text = words.join(' ')
      const wrapped = hangingText('', text, '    ')
      expect(wrapped.replaceAll(/\n {4}/g, ' ')).toBe(text)
      for (const line of wrapped.split('\n')) if (line.length > 80) expect(line.trim()).toMatch(/^\S+$|["']/)
    }),
  )
})
