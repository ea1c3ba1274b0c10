import { describe, expect, test } from 'vitest'
import { repositoryFiles, textOf } from './files.ts'

/** Words to avoid, and the plain term for each. A dot cuts each word, so that this list does not match itself. */
const plainTerms: readonly [string, string][] = [
  ['m·end(s|ed|ing)?', 'fix, correct'],
  ['an·ew', 'again, from the start; recreate, restart'],
  // Followed by a member it is code: a loop over one of its lists.
  ['of· before(?!\\.)', 'earlier, stale'],
  ['lets?· go of', 'release, clear, discard, disconnect from'],
  ['set(s|ting)?·( \\w+){0,2} aside', 'reject to a dead letter'],
  ['be·lls?', 'signal, notify'],
  ['par·cels?', 'delivery'],
]

const patterns = plainTerms.map(([word, term]) => ({
  pattern: new RegExp(`\\b(${word.replace('·', '')})\\b`, 'i'),
  term,
}))

describe('the words of the project', () => {
  const files = repositoryFiles().filter(
    (path) => /^(src|test|docs|config|scripts)\/|^README\.md$/.test(path) && !path.endsWith('.png'),
  )

  test('are those of a manual', () => {
    expect(files.length).toBeGreaterThan(100)
    expect(files.flatMap((path) => unplain(`${path}\n${textOf(path)}`, path))).toEqual([])
  })

  test('are looked for in sentences, file names and identifiers', () => {
    const found = (text: string) => unplain(text.replaceAll('·', ''), 'a').length
    expect(found('It is made an·ew.')).toBe(1)
    expect(found('5-refusing-sets-asi·de.patch')).toBe(1)
    expect(found('const withTwoSetAsi·de = me·ndIdentity')).toBe(2)
    expect(found('recommended, amended, dependent, renewed, lets it be')).toBe(0)
    expect(found('for (const one of bef·ore.unconfirmed)')).toBe(0)
  })
})

/** Returns each line with such a word, and the term to write instead. */
function unplain(text: string, path: string): string[] {
  return text.split('\n').flatMap((line, at) => {
    const words = line.replace(/(?<=[a-z\d])(?=[A-Z])/g, ' ').replaceAll(/[-_](?=\w)/g, ' ')
    return patterns.flatMap(({ pattern, term }) => {
      const found = pattern.exec(words)
      return found ? [`${path}:${at}: "${found[0]}", write: ${term}`] : []
    })
  })
}
