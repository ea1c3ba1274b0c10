import { type ErrorCode, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import { keyText, type Problem } from '../problem.ts'
import type { Interpolated } from './interpolate.ts'

/** YAML file as plain data, and the line of each of its keys. */
export interface YamlSource {
  readonly value: unknown
  readonly lines: ReadonlyMap<string, number>
  /** Keys without a value: null, but nobody wrote it. */
  readonly empty: readonly string[]
  readonly problems: readonly Problem[]
}

/** Reads one YAML document. It calls `resolve` with each text scalar and its key. A problem never quotes the file's text. */
export function readYaml(text: string, resolve: (scalar: string, key: string) => Interpolated): YamlSource {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true })
  const lineAt = (offset: number) => lineCounter.linePos(offset).line
  const lines = new Map<string, number>()
  const empty: string[] = []
  const problems = [...document.errors, ...document.warnings].map(({ code, pos }) =>
    problem(lineAt(pos[0]), '', syntaxFaults[code]),
  )
  if (problems.length > 0) return { value: null, lines, empty, problems }
  const root = document.contents
  if (root !== null && !isMap(root)) placed(root, [])
  const value = plain(root, [])
  return { value, lines, empty, problems }

  function plain(node: Node | null, path: readonly PropertyKey[]): unknown {
    const key = keyText(path)
    const line = lines.get(key) ?? (node?.range ? lineAt(node.range[0]) : 1)
    if (isAlias(node)) {
      problems.push(problem(line, key, 'must not be an alias'))
      return null
    }
    if (isMap<Node, Node | null>(node)) return Object.fromEntries(node.items.map((pair) => entry(pair, path)))
    if (isSeq<Node>(node)) return node.items.map((item, index) => plain(item, placed(item, [...path, index])))
    if (node === null || (isScalar(node) && node.value === null && node.source === '')) empty.push(key)
    if (!isScalar(node)) return null
    if (typeof node.value !== 'string') return node.value
    const resolved = resolve(node.value, key)
    if ('text' in resolved) return resolved.text
    problems.push(problem(line, key, resolved.fault))
    return node.value
  }

  function entry({ key, value }: Pair<Node, Node | null>, path: readonly PropertyKey[]): [string, unknown] {
    const name = isScalar(key) ? String(key.value) : ''
    return [name, plain(value, placed(key, [...path, name]))]
  }

  function placed(node: Node, path: readonly PropertyKey[]): readonly PropertyKey[] {
    if (node.range) lines.set(keyText(path), lineAt(node.range[0]))
    return path
  }
}

function problem(line: number, key: string, fault: string): Problem {
  return { variable: null, line, key, fault }
}

/** Replacements for the parser's messages, which quote the text: it is possibly a secret. */
const syntaxFaults: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'an alias must not have an anchor or a tag',
  BAD_ALIAS: 'an alias is not valid (text that begins with * must be in quotes)',
  BAD_DIRECTIVE: 'a directive is not valid (text that begins with % must be in quotes)',
  BAD_DQ_ESCAPE: 'an escape sequence in double quotes is not valid; single quotes take a backslash as it is',
  BAD_INDENT: 'the indentation does not fit',
  BAD_PROP_ORDER: 'an anchor or a tag is out of place',
  BAD_SCALAR_START: 'text that begins with @ or ` must be in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a key must not hold keys on its own line (a colon in a value? Put the value in quotes)',
  BLOCK_IN_FLOW: 'an indented block must not stand inside of [] or {}',
  DUPLICATE_KEY: 'a key is there twice',
  IMPOSSIBLE: 'not valid YAML',
  KEY_OVER_1024_CHARS: 'a key is too long',
  MISSING_CHAR: 'a character is missing: a colon after a key, a comma, a bracket or a quote',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line, with a colon and a space after it',
  MULTIPLE_ANCHORS: 'a value must not have two anchors',
  MULTIPLE_DOCS: 'the file must hold one YAML document',
  MULTIPLE_TAGS: 'a value must not have two tags',
  NON_STRING_KEY: 'a key must be text (a value that begins with { or [ must be in quotes)',
  RESOURCE_EXHAUSTION: 'too deeply nested',
  TAB_AS_INDENT: 'indent with spaces, not tabs',
  TAG_RESOLVE_FAILED: 'a tag is not known (text that begins with ! must be in quotes)',
  UNEXPECTED_TOKEN: 'not valid YAML here (text with special characters must be in quotes)',
  BAD_COLLECTION_TYPE: 'a tag does not fit its value',
}
