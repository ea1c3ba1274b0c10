/** Makes a `switch` exhaustive: a case that it forgets does not compile. @throws {Error} without the value, which may be private. */
export function unreachable(_: never): never {
  throw new Error('a case that the types exclude')
}
