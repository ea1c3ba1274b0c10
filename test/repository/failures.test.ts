import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { failures } from '../../src/model/failure/failure.ts'
import { failureKinds } from '../../src/model/failure/failure-kind.ts'
import { repositoryFiles, textOf } from './files.ts'

const sources = repositoryFiles()
  .filter((path) => path.startsWith('src/') && path.endsWith('.ts'))
  .map((path) => ({ path, text: textOf(path) }))

/** Classes of SQLSTATE: digits and letters, as PostgreSQL has them. */
const sqlstatePattern = /^(?:[0-5]\d|[0-5][A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}$/

describe('SQLSTATEs', () => {
  test('are spelled in one file', () => {
    expect(sources.filter(({ path }) => path !== 'src/model/failure/sqlstate.ts').flatMap(spelledIn)).toEqual([])
  })

  test('are found in texts and in names of properties', () => {
    const text = `const a = ['42P01', \`57014\`]; const b = { 42501: 1, '55P03': 2 }; const c = { EPIPE: 'BASIC', 8080: 42501 }`
    expect(spelledIn({ path: 'a.ts', text })).toHaveLength(4)
  })
})

describe('the classes of errors', () => {
  const classes = sources.flatMap(classesOf)

  test('all have a kind', () => {
    expect(classes.length).toBeGreaterThan(4)
    expect(withoutKind(classes)).toEqual([])
  })

  test('are found wherever they are, whatever they extend', () => {
    const text = `
      class ConnectorError extends Error {}
      class Kind extends ConnectorError {}
      class Deeper extends Kind {}
      const a = class extends TypeError {}
      class Plain extends Error {}
      class Pool extends Base {}`
    expect(withoutKind(classesOf({ path: 'a.ts', text }))).toEqual(['a.ts: anonymous', 'a.ts: Plain'])
  })
})

describe('the kinds of failures', () => {
  test('are all used', () => {
    const users = sources.filter(({ path }) => !/^src\/model\/failure\/failure(-kind)?\.ts$/.test(path))
    const spelled = new Set(users.flatMap(textsIn))
    expect(failureKinds.filter((kind) => !spelled.has(kind) && kind !== 'unexpected')).toEqual([])
  })

  test('are listed in docs/operations.md as the table in the source has them', () => {
    const [, section = ''] = textOf('docs/operations.md').split('\n## Kinds of failures\n')
    const rows = section.split('\n## ')[0]?.match(/^\| `.*\|$/gm)
    expect(rows).toEqual(failureKinds.map(documentedRow))
  })
})

function documentedRow(kind: keyof typeof failures): string {
  const failure = failures[kind]
  const action = failure.action === 'exit' ? `exit, later ${failure.afterStart}` : failure.action
  return `| \`${failure.code}\` | ${kind} | ${action} | ${failure.exitStatus} | ${failure.fix ?? 'nothing: it passes by itself'} |`
}

interface Source {
  readonly path: string
  readonly text: string
}

function nodesOf({ path, text }: Source): ts.Node[] {
  const nodes: ts.Node[] = []
  const visit = (node: ts.Node): void => {
    nodes.push(node)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true))
  return nodes
}

function textsIn(source: Source): string[] {
  return nodesOf(source).flatMap((node) => {
    if (ts.isStringLiteralLike(node)) return [node.text]
    return ts.isPropertyAssignment(node) && ts.isNumericLiteral(node.name) ? [node.name.text] : []
  })
}

function spelledIn(source: Source): string[] {
  return textsIn(source)
    .filter((text) => sqlstatePattern.test(text))
    .map((text) => `${source.path}: ${text}`)
}

interface ErrorClass {
  readonly path: string
  readonly name: string
  readonly base: string
}

function classesOf(source: Source): ErrorClass[] {
  return nodesOf(source).flatMap((node) => {
    if (!ts.isClassLike(node)) return []
    const heritage = node.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)
    const base = heritage?.types[0]?.expression.getText()
    return base ? [{ path: source.path, name: node.name?.text ?? 'anonymous', base }] : []
  })
}

/** Classes that extend an error, but not `ConnectorError`, directly or through others. */
function withoutKind(classes: readonly ErrorClass[]): string[] {
  const bases = new Map(classes.map(({ name, base }) => [name, base]))
  const ancestors = (name: string): string[] => {
    const base = bases.get(name)
    return base === undefined ? [name] : [name, ...ancestors(base)]
  }
  return classes
    .map(({ path, name, base }) => ({ path, name, line: [name, ...ancestors(base)] }))
    .filter(({ line }) => line.some((name) => name.endsWith('Error')) && !line.includes('ConnectorError'))
    .map(({ path, name }) => `${path}: ${name}`)
}
