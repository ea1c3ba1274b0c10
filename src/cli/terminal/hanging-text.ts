/** Width of a report, on every terminal and without one, such as in a job's log, a ticket or on a printed page. */
const columns = 80

/** Indentation of further lines, unless there are columns to align with. */
export const hangingIndent = ' '.repeat(10)

/**
 * Wraps a text at 80 columns, except for longer words. The first line begins with `label`; further lines are indented by `indent`. It never
 * breaks quoted text, so that SQL stays valid.
 */
export function hangingText(label: string, text: string, indent: string): string {
  const lines: string[] = []
  let line = label
  let isEmpty = true
  for (const word of unbreakable(text)) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = indent
      isEmpty = true
    }
    line += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  return [...lines, line].join('\n')
}

/**
 * Splits a text into words. A quote that begins a word keeps everything up to its end together. An apostrophe within a word is no quote.
 */
function unbreakable(text: string): string[] {
  const words: string[] = []
  let open: string | null = null
  let word = ''
  let previous = ' '
  for (const character of text) {
    if (character === ' ' && open === null) {
      if (word !== '') words.push(word)
      word = ''
    } else {
      if (character === open) open = null
      else if (open === null && /['"]/.test(character) && /[\s(,.=[{]/.test(previous)) open = character
      word += character
    }
    previous = character
  }
  // An unclosed quote is not a quote.
  if (open !== null) return [...words, ...word.split(' ')].filter((part) => part !== '')
  return word === '' ? words : [...words, word]
}
