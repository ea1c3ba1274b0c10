/** Name of a table, each part as the catalog stores it (case kept, quotes removed). */
export interface TableName {
  readonly schema: string
  readonly table: string
}

const part = /"((?:[^"]|"")+)"|([A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*)/y

/**
 * Parses `table` (of schema public) or `schema.table` like SQL: it folds names to lower case unless they are quoted. Null if the text is no
 * such name. PostgreSQL manual, "Identifiers and Key Words".
 */
export function parseTableName(text: string): TableName | null {
  const names: string[] = []
  let at = 0
  while (names.length < 2) {
    part.lastIndex = at
    const match = part.exec(text)
    if (match === null) return null
    const name = match[1]?.replaceAll('""', '"') ?? foldCase(match[0])
    if (Buffer.byteLength(name) > 63 || name.includes('\0')) return null
    names.push(name)
    at = part.lastIndex
    if (at === text.length) break
    if (text[at] !== '.') return null
    at += 1
  }
  const [first, second] = names
  if (at !== text.length || first === undefined) return null
  return second === undefined ? { schema: 'public', table: first } : { schema: first, table: second }
}

/** Returns a name as `parseTableName` reads it, quoted where necessary. */
export function writeTableName({ schema, table }: TableName): string {
  const written = (name: string) => (/^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`)
  return `${written(schema)}.${written(table)}`
}

/** Folds only ASCII letters: the server's folding of other letters depends on its encoding. */
function foldCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}
