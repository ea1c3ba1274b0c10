/** The stream carries something that this version does not understand: it must not be ignored. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}
