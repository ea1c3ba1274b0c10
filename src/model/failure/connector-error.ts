import type { FailureKind } from './failure-kind.ts'

/** Failure that the connector has detected itself. Its message may be shown to a person: it contains no value of a row. */
export class ConnectorError extends Error {
  override readonly name: string = 'ConnectorError'
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string, options?: { readonly cause: unknown }) {
    super(message, options)
    this.kind = kind
  }
}

/** Configuration or mapping that cannot be used. The message lists every problem with its place, one a line, and contains no setting's value. */
export class ProblemsError extends ConnectorError {
  override readonly name = 'ProblemsError'
  readonly problems: readonly string[]

  constructor(kind: 'configuration invalid' | 'mapping invalid', problems: readonly string[]) {
    super(kind, problems.join('\n'))
    this.problems = problems
  }
}
