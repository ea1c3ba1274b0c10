import { describe, expect, test } from 'vitest'
import { repositoryFiles, textOf } from './files.ts'
import { namedFunctions, namedTests, numbersCited, numbersDefined } from './numbered-documents.ts'

const documents = { rule: 'docs/internals/merge-rules.md', fact: 'docs/internals/dependency-facts.md' } as const
const kinds = ['rule', 'fact'] as const
const files = repositoryFiles().filter((path) =>
  /^(src|test|docs)\/.*\.(ts|mjs|md|patch)$|^(README|CONTRIBUTING)\.md$/.test(path),
)
// What this test tries out is no citation.
const citing = files.filter((path) => path !== 'test/repository/rules.test.ts')
const isThere = (path: string) => files.some((file) => file === path || file.startsWith(path.replace(/\/?$/, '/')))

describe.each(kinds)('every %s that is cited', (kind) => {
  test('stands in its document', () => {
    const defined = numbersDefined(textOf(documents[kind]), kind)
    expect(defined.size).toBeGreaterThan(15)
    const cited = citing.flatMap((path) => numbersCited(textOf(path), kind).map((number) => ({ path, number })))
    expect(cited.length).toBeGreaterThan(10)
    expect(cited.filter(({ number }) => !defined.has(number))).toEqual([])
  })
})

describe.each(kinds)('what the document of each %s names', (kind) => {
  const text = textOf(documents[kind])

  test('is there: files', () => {
    const paths = [...text.matchAll(/`((?:src|test|docs)\/[^`\s]+)`/g)].map(([, path = '']) => path)
    expect(paths.length).toBeGreaterThan(50)
    expect(paths.filter((path) => !isThere(path))).toEqual([])
  })

  test('is there: tests, by their titles', () => {
    const named = namedTests(text)
    expect(named.length).toBeGreaterThan(30)
    expect(named.filter(({ path, title }) => isThere(path) && !oneLine(textOf(path)).includes(title))).toEqual([])
  })

  test('is there: functions, in their files', () => {
    const named = namedFunctions(text)
    if (kind === 'rule') expect(named.length).toBeGreaterThan(50)
    const missing = named.filter(({ path, name }) => isThere(path) && !new RegExp(`\\b${name}\\b`).test(textOf(path)))
    expect(missing).toEqual([])
  })
})

describe('every rule', () => {
  const sections = textOf(documents.rule)
    .split(/^## (?=Rule )/m)
    .slice(1)

  test.each(sections.map((section) => [/^Rule \d+/.exec(section)?.[0] ?? '', section] as const))(
    '%s says why, and who enforces it or that nobody does yet',
    (_, section) => {
      expect(section).toMatch(/^Why/m)
      expect(section).toMatch(/\*\*(Enforced by:|Not built yet)/)
    },
  )
})

describe('a citation', () => {
  test('is of one number or of several, with a part or without', () => {
    expect(
      numbersCited('Rule 3, rules 4 and 5, rule 12b; rules 7, 8 and 11c, rules 4 to 6; a rule of 5 digits', 'rule'),
    ).toEqual(['3', '4', '5', '12b', '7', '8', '11c', '4', '6'])
    expect(numbersCited('fact 12e, facts 4 and 5; a fact about 3', 'fact')).toEqual(['12e', '4', '5'])
  })

  test('over the end of a comment’s line counts', () => {
    expect(numbersCited(' * may go (rule\n   * 18g), rules 1\n// and 2', 'rule')).toEqual(['18g', '1', '2'])
  })

  test('means a heading, or a part in bold', () => {
    expect([...numbersDefined('## Rule 3: A\n- **3a.** b\n## Rule 4\nrule 5', 'rule')]).toEqual(['3', '4', '3a'])
    expect([...numbersDefined('### Fact 12e\n', 'fact')]).toEqual(['12e'])
  })
})

describe('a function or a test in a document', () => {
  test('stands before its file, a title behind it', () => {
    const text =
      '`one`, `two` and `three` in `src/a.ts`; `four` in\n`src/b.ts`. `test/c.test.ts` ("d\ne", "f"); `test/g.test.ts`'
    expect(namedFunctions(text).map(({ path, name }) => `${path} ${name}`)).toEqual([
      'src/a.ts one',
      'src/a.ts two',
      'src/a.ts three',
      'src/b.ts four',
    ])
    expect(namedTests(text)).toEqual([
      { path: 'test/c.test.ts', title: 'd e' },
      { path: 'test/c.test.ts', title: 'f' },
    ])
  })
})

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ')
}
