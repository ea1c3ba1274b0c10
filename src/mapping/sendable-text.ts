/** Returns true if a text survives UTF-8 and the API's database: no lone surrogate, no NUL. */
export function isSendable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
