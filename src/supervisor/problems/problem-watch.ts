import { type Problem, problemKey, type RaisedProblem } from '../../model/problem/problem.ts'
import { problemCatalog, type Severity } from '../../model/problem/problem-kind.ts'
import { problemText } from '../../model/problem/problem-text.ts'
import type { Logger } from '../../telemetry/logger.ts'

export interface ProblemWatchOptions {
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly wallClockMs: () => number
  /** Interval between two looks, milliseconds. */
  readonly everyMs: number
  /** Returns the problems of the moment. */
  readonly collect: () => readonly Problem[]
}

export type ProblemWatch = ReturnType<typeof createProblemWatch>

const levels: Readonly<Record<Severity, 'warn' | 'error'>> = { warning: 'warn', critical: 'error' }

/** Keeps the problems with their times, and logs each one when it is raised and when it clears. */
export function createProblemWatch({ logger, wallClockMs, everyMs, collect }: ProblemWatchOptions) {
  let current: readonly RaisedProblem[] = []

  /** Returns the problems of this moment, the worst first. */
  function look(): readonly RaisedProblem[] {
    const nowMs = wallClockMs()
    const change = compareProblems(current, collect(), nowMs)
    current = change.current
    for (const { problem, sinceMs } of change.cleared) {
      const { code } = problemCatalog[problem.kind]
      const seconds = Math.max(0, Math.round((nowMs - sinceMs) / 1000))
      logger.info({ code, problem: problem.kind, ...slotOf(problem), seconds }, 'problem cleared')
    }
    for (const { problem } of change.raised) {
      const { code, severity } = problemCatalog[problem.kind]
      logger[levels[severity]](
        { code, problem: problem.kind, ...problem.facts, ...problemText(problem) },
        'problem raised',
      )
    }
    return current
  }

  const timer = setInterval(look, everyMs)
  return { look, stop: () => clearInterval(timer) }
}

/** Problems since the last look: `raised` and `cleared` are those that began and ended. */
interface ProblemChange {
  readonly current: readonly RaisedProblem[]
  readonly raised: readonly RaisedProblem[]
  readonly cleared: readonly RaisedProblem[]
}

/** Compares the problems of a moment with those of the last look. A problem keeps its time while it lasts. Pure. */
function compareProblems(before: readonly RaisedProblem[], problems: readonly Problem[], nowMs: number): ProblemChange {
  const sinceMs = new Map(before.map((one) => [problemKey(one.problem), one.sinceMs]))
  const keys = new Set(problems.map(problemKey))
  const current = problems.map((problem) => ({ problem, sinceMs: sinceMs.get(problemKey(problem)) ?? nowMs }))
  return {
    current,
    raised: current.filter(({ problem }) => !sinceMs.has(problemKey(problem))),
    cleared: before.filter(({ problem }) => !keys.has(problemKey(problem))),
  }
}

function slotOf({ facts }: Problem): { readonly slot?: string } {
  return 'slot' in facts ? { slot: facts.slot } : {}
}
