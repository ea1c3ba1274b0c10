/** The stream contains something that this version does not understand and must not ignore. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}
