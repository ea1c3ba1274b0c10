import { describe, expect, test } from 'vitest'
import { problemCatalog, problemKinds } from '../../src/model/problem/problem-kind.ts'
import { textOf } from './files.ts'

const operations = textOf('docs/operations.md')

describe('the problems in docs/operations.md', () => {
  test('are listed as the catalog in the source has them, by code', () => {
    const [, section = ''] = operations.split('\n## Problems\n')
    const rows = section.split('\n## ')[0]?.match(/^\| `.*\|$/gm)
    expect(rows).toEqual(problemKinds.map(documentedRow).toSorted())
  })

  test.each(problemKinds)('%s: has a section whose heading names the code', (kind) => {
    const { anchor, code } = problemCatalog[kind]
    const heading = new RegExp(`^<a id="${anchor}"></a>\\n\\*\\*([^:]*): `, 'm').exec(operations)?.[1]
    expect(heading?.split(', ')).toContain(code)
  })
})

function documentedRow(kind: keyof typeof problemCatalog): string {
  const { code, severity, anchor } = problemCatalog[kind]
  return `| \`${code}\` | ${severity} | [${kind}](#${anchor}) |`
}
