import { describe, expect, test } from 'vitest'
import { repositoryFiles, textOf } from './files.ts'
import { namedPaths, pathPattern } from './named-paths.ts'

const files = repositoryFiles()
const folders = new Set(files.filter((path) => path.includes('/')).map((path) => path.split('/')[0] ?? ''))
const documents = files.filter((path) => /^(README|CONTRIBUTING)\.md$|^docs\/.*\.md$/.test(path))

describe('the documents', () => {
  test.each(documents)('%s names only existing files', (document) => {
    const named = namedPaths(textOf(document), { document, folders })
    expect(named.filter((path) => !files.some((file) => pathPattern(path).test(file)))).toEqual([])
  })
})

describe('a path in a document', () => {
  const read = (text: string) => namedPaths(text, { document: 'docs/a.md', folders: new Set(['src', 'docs']) })

  test('is a word in backticks below a folder of the project, or a file name', () => {
    expect(read('`src/a.ts`, `npx tsx src/b.ts:12`, `c.test.ts`, `src/d/`')).toEqual([
      'src/a.ts',
      'src/b.ts',
      'c.test.ts',
      'src/d/',
    ])
    expect(read('src/a.ts, `GET /v1/patients`, `text/plain`, `public.patients`, `dist/main.js`')).toEqual([])
  })

  test('is a relative link, from where the document is', () => {
    expect(read('[a](b.md#c) [d](../src/e.ts) [f](https://example.com/g.md) [h](#i)')).toEqual([
      'docs/b.md',
      'src/e.ts',
    ])
  })

  test('matches a file, a folder or any name', () => {
    const meets = (named: string, file: string) => pathPattern(named).test(file)
    expect(meets('src/a.ts', 'src/a.ts')).toBe(true)
    expect(meets('src/a', 'src/ab.ts')).toBe(false)
    expect(meets('src/d/', 'src/d/e.ts')).toBe(true)
    expect(meets('src/*.test.ts', 'src/x.test.ts')).toBe(true)
    expect(meets('a.ts', 'src/a.ts')).toBe(true)
    expect(meets('a.ts', 'src/ba.ts')).toBe(false)
  })
})
