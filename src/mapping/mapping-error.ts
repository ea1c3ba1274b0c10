/** The mapping does not fit the table or itself. The message lists every problem, one a line, each with its place. */
export class MappingError extends Error {
  override readonly name = 'MappingError'
  /** The process's exit status. */
  readonly exitStatus = 2
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}
