/** Returns true if a text is empty or white space. It trims only if the first character is no ASCII letter or digit, for speed. */
export function isBlankText(text: string): boolean {
  const first = text.charCodeAt(0)
  return !(first > 0x20 && first < 0x7f) && text.trim() === ''
}

/** Returns a text of type character(n) without the spaces that pad it. It is its value: PostgreSQL compares such texts without them. */
export function withoutPadding(text: string): string {
  let end = text.length
  while (text.charCodeAt(end - 1) === 0x20) end--
  return end === text.length ? text : text.slice(0, end)
}

/** Returns true if a text survives UTF-8 and the API's database: no lone surrogate, no NUL. */
export function isSendable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
