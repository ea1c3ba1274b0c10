/**
 * Something with the members that the code under test uses, in the place of a class of which it uses no others: the one
 * place where these tests say that a value is of a type.
 */
export function standIn<T>(members: unknown): T {
  return members as T
}

const nothing = () => undefined
export const silentLogger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
