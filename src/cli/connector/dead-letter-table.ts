import type { ListedDeadLetter } from '../../model/progress/dead-letter-overview.ts'
import { deadLetterReasons } from '../../model/progress/stored-row.ts'

const width = 80
/** Width of a UUID; a longer code has a line of its own. */
const codeWidth = 36
const reasonWidth = Math.max(...deadLetterReasons.map((reason) => reason.length))

/** Formats dead letters as lines of at most 80 columns; only a longer code makes a longer line. It contains no value of a row. */
export function deadLetterTable(letters: readonly ListedDeadLetter[]): string[] {
  return [cells('CODE', 'REASON', 'STATUS', 'ATTEMPTS'), ...letters.flatMap(linesOf)]
}

function linesOf(letter: ListedDeadLetter): string[] {
  const { key, code, reason, status, attempts, firstAt, lastAt, attributes } = letter
  const name = printable(code ?? key)
  const isLong = name.length > codeWidth
  return [
    ...(isLong ? [name] : []),
    cells(isLong ? '' : name, reason, status === null ? '-' : String(status), String(attempts)),
    `  first ${minute(firstAt)}, last ${minute(lastAt)} UTC`,
    ...wrapped(attributes.map(attributeText)),
  ]
}

function cells(name: string, reason: string, status: string, attempts: string): string {
  return `${name.padEnd(codeWidth)}  ${reason.padEnd(reasonWidth)}  ${status.padStart(6)}  ${attempts.padStart(8)}`
}

function attributeText({ attribute, reason }: ListedDeadLetter['attributes'][number]): string {
  return printable(reason === null ? attribute : `${attribute}: ${reason}`)
}

function wrapped(texts: readonly string[]): string[] {
  const lines: string[] = []
  for (const text of texts) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + text.length + 3 <= width) lines[lines.length - 1] = `${last}, ${text}`
    else lines.push(`  ${text}`)
  }
  return lines.map((line, at) => (at < lines.length - 1 ? `${line},` : line))
}

function minute(time: Date): string {
  return time.toISOString().slice(0, 16).replace('T', ' ')
}

/** Replaces control characters. A code comes from the customer's table and must not move a terminal's cursor. */
function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\uFFFD')
}
