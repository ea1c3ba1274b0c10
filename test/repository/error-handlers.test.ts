import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { repositoryFiles, textOf } from './files.ts'

// An 'error' event without a handler ends the process: the connector at a customer, or a test run whose tests all passed. Whatever emits
// one gets its handler in the function that creates it.

/** Exports that create something that emits 'error', by module. */
const creators: Readonly<Record<string, readonly string[]>> = {
  pg: ['Client', 'Pool'],
  'pg-logical-replication': ['LogicalReplicationService'],
  '@hono/node-server': ['serve'],
  'node:net': ['connect', 'createConnection', 'createServer', 'Server', 'Socket'],
  'node:tls': ['connect', 'createServer', 'Server', 'TLSSocket'],
  'node:http': ['createServer', 'get', 'request', 'Server'],
  'node:https': ['createServer', 'get', 'request', 'Server'],
}
/** Modules whose servers pass a socket to their listener. */
const withSockets: readonly string[] = ['node:net', 'node:tls']
/** Functions of `test/support/network/listening.ts` that attach a handler to their arguments, and `once`, which rejects on an error. */
const attaching: readonly string[] = ['join', 'listening', 'once']

interface Unhandled {
  readonly line: number
  readonly code: string
}

/** Returns what the text creates without a handler for its errors. */
function unhandledIn(text: string): Unhandled[] {
  const file = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, true)
  const modules = creatorsIn(file)
  const found: Unhandled[] = []
  const note = (node: ts.Node) =>
    found.push({
      line: file.getLineAndCharacterOfPosition(node.getStart()).line + 1,
      code: node.getText().split('\n')[0] ?? '',
    })
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [module] = node.arguments
      // What is imported dynamically is not followed.
      if (module && ts.isStringLiteral(module) && module.text in creators) note(node)
    } else if (ts.isNewExpression(node) || ts.isCallExpression(node)) {
      const module = modules.get(node.expression.getText())
      if (module !== undefined) {
        if (!isHandled(node, module.name)) note(node)
        if (withSockets.includes(module.from))
          for (const socket of socketsOf(node)) if (!handles(socket)) note(socket.name)
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

/** Returns the creators that a file imports, by the expression that calls them there. */
function creatorsIn(file: ts.SourceFile): Map<string, { readonly from: string; readonly name: string }> {
  const found = new Map<string, { readonly from: string; readonly name: string }>()
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue
    const from = statement.moduleSpecifier.text
    const names = creators[from] ?? []
    const { name: whole, namedBindings } = statement.importClause ?? {}
    const spaces = [whole, namedBindings && ts.isNamespaceImport(namedBindings) ? namedBindings.name : undefined]
    for (const space of spaces) if (space) for (const name of names) found.set(`${space.text}.${name}`, { from, name })
    if (!namedBindings || !ts.isNamedImports(namedBindings)) continue
    for (const { name: local, propertyName } of namedBindings.elements) {
      const name = (propertyName ?? local).text
      if (names.includes(name)) found.set(local.text, { from, name })
    }
  }
  return found
}

/** Returns true if the function that creates it attaches a handler to it. A pool needs one for its clients too: it handles the idle ones only. */
function isHandled(creation: ts.Node, creator: string): boolean {
  const needed = creator === 'Pool' ? ['error', 'connect'] : ['error']
  let node = creation
  for (;;) {
    const { parent } = node
    // As an argument of a function that attaches a handler.
    if (ts.isCallExpression(parent) && parent.expression !== node)
      return attaching.includes(parent.expression.getText())
    const isTarget = ts.isVariableDeclaration(parent) && parent.initializer === node
    if (isTarget) return needed.every((event) => attaches(functionAround(parent), parent.name.getText(), event))
    const isAssigned = ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken
    if (isAssigned) return needed.every((event) => attaches(functionAround(parent), parent.left.getText(), event))
    const isPassedOn =
      ts.isPropertyAccessExpression(parent) ||
      ts.isParenthesizedExpression(parent) ||
      ts.isAwaitExpression(parent) ||
      ts.isCallExpression(parent)
    if (!isPassedOn) return false
    node = parent
  }
}

/** Returns the sockets that a server passes to its listener. */
function socketsOf({ arguments: given }: ts.NewExpression | ts.CallExpression): ts.ParameterDeclaration[] {
  return (given ?? []).flatMap((one) =>
    ts.isArrowFunction(one) || ts.isFunctionExpression(one) ? one.parameters.slice(0, 1) : [],
  )
}

function handles(socket: ts.ParameterDeclaration): boolean {
  return attaches(socket.parent, socket.name.getText(), 'error')
}

function functionAround(node: ts.Node): ts.Node {
  return ts.findAncestor(node, (one) => ts.isFunctionLike(one) || ts.isSourceFile(one)) ?? node
}

/** Returns true if a function calls `holder.on('event', …)`, or passes the holder to a function that does. */
function attaches(within: ts.Node, holder: string, event: string): boolean {
  const is = (node: ts.Node): boolean => {
    if (ts.isCallExpression(node)) {
      const { expression, arguments: given } = node
      const isOn =
        ts.isPropertyAccessExpression(expression) &&
        expression.expression.getText() === holder &&
        ['on', 'once'].includes(expression.name.text) &&
        given[0]?.getText() === `'${event}'`
      if (isOn) return true
      if (attaching.includes(expression.getText()) && given.some((one) => one.getText() === holder)) return true
    }
    return ts.forEachChild(node, (child) => is(child) || undefined) ?? false
  }
  return is(within)
}

const isNamed = (text: string) => Object.keys(creators).some((module) => text.includes(`'${module}'`))
const sources = repositoryFiles().filter((path) => /^(src|test|bench|scripts)\/.*\.ts$/.test(path))

test('whatever emits errors has a handler for them in the function that creates it', () => {
  const found = sources.flatMap((path) => {
    const text = textOf(path)
    return isNamed(text) ? unhandledIn(text).map(({ line, code }) => `${path}:${line} ${code}`) : []
  })
  expect(found, "attach .on('error', …), or use a helper of test/support/").toEqual([])
})

describe('the rule', () => {
  const pg = `import pg, { Client, Pool as Many } from 'pg'\n`
  const net = `import { connect as dial, createServer } from 'node:net'\n`
  test.each([
    [`${pg}function f() { const client = new Client({}); return client }`, 1],
    [`${pg}function f() { const client = new Client({}); client.on('error', () => {}); return client }`, 0],
    [`${pg}function f() { const client = new Client({}) }\nfunction g(client) { client.on('error', () => {}) }`, 1],
    [`${pg}const clients = [new pg.Client(), new pg.Client()]`, 2],
    [`${pg}const pool = new Many(); pool.on('error', () => {})`, 1],
    [`${pg}const pool = new Many(); pool.on('error', e); pool.on('connect', (c) => c.on('error', e))`, 0],
    [`${pg}class A { #one; constructor() { this.#one = new Client(); this.#one.on('error', e) } }`, 0],
    [`${net}const server = createServer().listen(0); await once(server, 'listening')`, 0],
    [`${net}const server = createServer((socket) => socket.end()).listen(0); server.on('error', e)`, 1],
    [`${net}const server = createServer((near) => join(near, dial(1))); await listening(server)`, 0],
    [`${net}const server = createServer((near) => near.pipe(dial(1))); await listening(server)`, 2],
    [`import { Client } from 'undici'\nnew Client('')`, 0],
    [`const { Client } = await import('pg'); const client = new Client(); client.on('error', e)`, 1],
  ])('%s: %d', (text, count) => {
    expect(unhandledIn(text)).toHaveLength(count)
  })
})
