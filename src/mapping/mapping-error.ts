/** The mapping does not fit the table, or contradicts itself. The message lists every problem with its place, one a line. */
export class MappingError extends Error {
  override readonly name = 'MappingError'
  /** Exit status of the process. */
  readonly exitStatus = 2
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}
