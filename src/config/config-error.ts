/** The configuration cannot be used. The message lists every problem, one a line, and contains no setting's value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  /** Exit status of the process. */
  readonly exitStatus = 2
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}
