/** What a report is made to fit, on every terminal and where there is none: a log of a job, a ticket, a printed page. */
const columns = 80

/** Of further lines, unless there are columns to keep to. */
export const hangingIndent = ' '.repeat(10)

/**
 * A text of at most 80 columns a line, where a word is not longer. The first line begins with `label`; every further one is indented
 * by `indent`. What is in quotes is never broken, so that SQL stays what it is.
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

/** Words; several count as one where a quote that begins a word spans them. An apostrophe within a word is no quote. */
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
  // A quote that nothing closes was none.
  if (open !== null) return [...words, ...word.split(' ')].filter((part) => part !== '')
  return word === '' ? words : [...words, word]
}
