/** Column of a table: its title, and its share of the width for columns of text; 0: as wide as its title. */
export interface Column {
  readonly title: string
  readonly share: number
}

const gap = '  '

/** Returns the lines of a table, each cell broken to the width of its column. */
export function createTable(columns: readonly Column[], width: number) {
  const shares = columns.reduce((sum, { share }) => sum + share, 0)
  const fixed = columns.reduce((sum, { title, share }) => sum + (share === 0 ? title.length : 0), 0)
  const free = width - fixed - gap.length * (columns.length - 1)
  const widths = columns.map(({ title, share }) => (share === 0 ? title.length : Math.floor((free * share) / shares)))
  const row = (cells: readonly string[]): string => {
    const broken = widths.map((cellWidth, at) => brokenTo(cells[at] ?? '', cellWidth))
    const height = Math.max(...broken.map((lines) => lines.length))
    return Array.from({ length: height }, (_, line) =>
      widths
        .map((cellWidth, at) => (broken[at]?.[line] ?? '').padEnd(cellWidth))
        .join(gap)
        .trimEnd(),
    ).join('\n')
  }
  return { head: `${row(columns.map(({ title }) => title))}\n${widths.map((w) => '-'.repeat(w)).join(gap)}`, row }
}

/** Breaks text into lines of at most this width, behind spaces, hyphens, slashes and full stops; within a word if it is longer. */
function brokenTo(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const part of text
    .split(/(?<=[\s/.-])/)
    .flatMap((word) => word.match(new RegExp(`.{1,${width}}`, 'gs')) ?? [])) {
    if (line !== '' && (line + part).trimEnd().length > width) {
      lines.push(line.trimEnd())
      line = ''
    }
    line += part
  }
  return [...lines, line.trimEnd()]
}
