/** Whether a text holds nothing but white space. Most begin with an ASCII letter or digit, and need no trimming to tell. */
export function isBlankText(text: string): boolean {
  const first = text.charCodeAt(0)
  return !(first > 0x20 && first < 0x7f) && text.trim() === ''
}
