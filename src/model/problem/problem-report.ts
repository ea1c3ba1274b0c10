import type { RaisedProblem } from './problem.ts'
import { problemCatalog, type Severity } from './problem-kind.ts'
import { problemText } from './problem-text.ts'

/** A problem in the JSON of `GET /status`. */
export interface ProblemReport {
  readonly code: string
  readonly severity: Severity
  readonly title: string
  readonly detail: string
  /** Ends with the commands that help, if there are any. */
  readonly fix: string
  readonly since: string
}

/** Renders a raised problem for the status. Pure. */
export function problemReport({ problem, sinceMs }: RaisedProblem): ProblemReport {
  const { code, severity } = problemCatalog[problem.kind]
  const { title, detail, fix, commands } = problemText(problem)
  const statements = commands.map((command) => command.replace(/;$/, '')).join('; ')
  const withCommands = statements === '' ? fix : `${fix} Run: ${statements}`
  return { code, severity, title, detail, fix: withCommands, since: new Date(sinceMs).toISOString() }
}
