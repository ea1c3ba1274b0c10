import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { repositoryFiles, textOf } from './files.ts'

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
const sources = repositoryFiles().filter((path) => path.startsWith('src/') && path.endsWith('.ts'))

interface Line {
  readonly text: string
  /** Null: computed, one of several levels. */
  readonly level: string | null
}

/** Returns every line that a call of a logger may write. A call without a fixed text becomes a line that no list can contain. */
function linesOf(path: string): Line[] {
  const lines: Line[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) lines.push(...linesOfCall(node))
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, textOf(path), ts.ScriptTarget.Latest, true))
  return lines
}

function linesOfCall(call: ts.CallExpression): Line[] {
  const method = call.expression
  if (!ts.isPropertyAccessExpression(method) && !ts.isElementAccessExpression(method)) return []
  if (!/(^|\.)#?(logger|log)$/.test(method.expression.getText())) return []
  const level = ts.isPropertyAccessExpression(method) ? method.name.text : null
  if (level !== null && !levels.some((known) => known === level)) return []
  const text = call.arguments.at(-1)
  if (text && ts.isStringLiteralLike(text)) return [{ text: text.text, level }]
  return [{ text: `no fixed text: ${call.getText()}`, level }]
}

const documented = [...textOf('docs/operations.md').matchAll(/^\| `([^`]+)` \| ([a-z, ]+) \| (.+) \|$/gm)].flatMap(
  ([, text = '', named = '', meaning = '']) => {
    const of = named.split(', ')
    return of.every((level) => levels.some((known) => known === level)) ? [{ text, levels: of, meaning }] : []
  },
)
const written = sources.flatMap(linesOf)

describe('the list of log lines in docs/operations.md', () => {
  test('has every line that the source writes, with its level', () => {
    expect(written.length).toBeGreaterThan(35)
    const missing = written.filter(
      ({ text, level }) =>
        !documented.some((line) => line.text === text && (level === null || line.levels.includes(level))),
    )
    expect(missing).toEqual([])
  })

  test('has no line that the source does not write, and none twice', () => {
    const unknown = documented.flatMap(({ text, levels: of }) =>
      of
        .filter((level) => !written.some((line) => line.text === text && (line.level ?? level) === level))
        .map((level) => `${level}: ${text}`),
    )
    expect(unknown).toEqual([])
    expect(new Set(documented.map(({ text }) => text)).size).toBe(documented.length)
  })
})
