/** Returns true if a text is empty or white space. It trims only if the first character is no ASCII letter or digit, for speed. */
export function isBlankText(text: string): boolean {
  const first = text.charCodeAt(0)
  return !(first > 0x20 && first < 0x7f) && text.trim() === ''
}
