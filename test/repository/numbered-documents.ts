const list = String.raw`\d+[a-g]?(?:(?:, | and | or | to )\d+[a-g]?\b)*`

/** The numbers of rules or facts that a text cites, as in "rule 4", "rules 7, 8 and 11c". Of "4 to 6" the ends. */
export function numbersCited(text: string, kind: 'rule' | 'fact'): string[] {
  const prose = text.replace(/\s*\n\s*(?:\*|\/\/|>)?\s*/g, ' ')
  const cited = prose.matchAll(new RegExp(String.raw`\b${kind}s? (${list})\b`, 'gi'))
  return [...cited].flatMap(([, numbers = '']) => numbers.match(/\d+[a-g]?/g) ?? [])
}

/** The numbers that a document defines: by a heading, or by a part in bold, as in `**12b.**`. */
export function numbersDefined(document: string, kind: 'rule' | 'fact'): ReadonlySet<string> {
  const headings = document.matchAll(new RegExp(String.raw`^##+ ${kind} (\d+[a-g]?)\b`, 'gim'))
  const parts = document.matchAll(/\*\*(\d+[a-g])\.\*\*/g)
  return new Set([...headings, ...parts].map(([, number = '']) => number))
}

/** Functions with the file that they are said to be in: `a`, `b` and `c` in `src/file.ts`. */
export function namedFunctions(document: string): { readonly path: string; readonly name: string }[] {
  const prose = document.replace(/\s+/g, ' ')
  const named = prose.matchAll(/((?:`\w+`(?:, | and ))*`\w+`) in `((?:src|test)\/[^`]+)`/g)
  return [...named].flatMap(([, names = '', path = '']) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => ({ path, name })),
  )
}

/** Titles of tests behind their file: `test/file.test.ts` ("one", "two"). */
export function namedTests(document: string): { readonly path: string; readonly title: string }[] {
  const prose = document.replace(/\s+/g, ' ')
  const named = prose.matchAll(/`(test\/[^`]+)` \(((?:"[^"]+"(?:, )?)+)\)/g)
  return [...named].flatMap(([, path = '', titles = '']) =>
    [...titles.matchAll(/"([^"]+)"/g)].map(([, title = '']) => ({ path, title })),
  )
}
