/**
 * Returns the columns that a filter's SQL names: every word outside of its literals that is the name of a column. A column that has the
 * name of a function used in the filter counts as well. Pure.
 */
export function columnsNamedIn(filter: string, columns: readonly string[]): string[] {
  const withoutLiterals = filter.replaceAll(/'(?:[^']|'')*'/g, ' ')
  const quoted = [...withoutLiterals.matchAll(/"((?:[^"]|"")*)"/g)].map(([, name = '']) => name.replaceAll('""', '"'))
  // Unquoted names are folded to lower case. PostgreSQL manual, "Identifiers and Key Words".
  const bare =
    withoutLiterals
      .replaceAll(/"(?:[^"]|"")*"/g, ' ')
      .toLowerCase()
      .match(/[\p{L}_][\p{L}\p{N}_$]*/gu) ?? []
  const named = new Set([...quoted, ...bare])
  return columns.filter((column) => named.has(column))
}
