import type { FailureKind } from '../model/failure/failure-kind.ts'
import { kindOf, unwrapped } from '../model/failure/kind-of.ts'
import type { Effect } from '../pipeline/core/effects.ts'
import { describeConnectionFailure } from '../source/connection/connection-failure.ts'

/** Work that uses a database: effects of the core, and the regular look at the slot and at the state. */
export type DatabaseWork = Effect['kind'] | 'look at slot' | 'look at state'

/** Failures that last, each as a reason for a person; null: there is none. */
export interface LastingFailures {
  /** Reason why the state cannot be written. */
  readonly writes: string | null
  /** Reason why the source or the state cannot be read. */
  readonly reads: string | null
}

export const noLastingFailures: LastingFailures = { writes: null, reads: null }

/** How a work uses the databases. The name is that of the database in a reason. */
type Use = { readonly direction: 'writes' | 'reads'; readonly database: 'the source' | 'the state' }
const ofState: Use = { direction: 'reads', database: 'the state' }
const ofSource: Use = { direction: 'reads', database: 'the source' }

const uses: Readonly<Record<DatabaseWork, Use | null>> = {
  record: { direction: 'writes', database: 'the state' },
  'load records': ofState,
  'find holders': ofState,
  'list owed rows': ofState,
  'find backfill': ofState,
  'forget removed rows': ofState,
  'list known rows': ofState,
  'look at state': ofState,
  'read rows': ofSource,
  'check slot gap': ofSource,
  'look at slot': ofSource,
  'want permit': null,
  'return permit': null,
  send: null,
  'fetch code': null,
  acknowledge: null,
  'pause stream': null,
  'resume stream': null,
  tell: null,
  'wake at': null,
  drained: null,
}

/** Failures that no repetition fixes. */
const needSomebody: ReadonlySet<FailureKind> = new Set([
  'password refused',
  'user refused',
  'database missing',
  'privilege missing',
])
/** Time after which any other failure counts as lasting, milliseconds. */
const lastingMs = 60_000
/** A failure that is not repeated for so long is over: nothing needs the work any more. Attempts are at most 45 s apart. */
const forgottenMs = 60_000

interface Failing {
  readonly sinceMs: number
  readonly lastMs: number
  readonly needsSomebody: boolean
  readonly use: Use
  readonly reason: string
}

/** Failures of the work on the databases while one pipeline runs. A work fails from its first failure to its next success. */
export class DatabaseFailures {
  readonly #monotonicMs: () => number
  readonly #failing = new Map<DatabaseWork, Failing>()

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  succeeded(work: DatabaseWork): void {
    this.#failing.delete(work)
  }

  failed(work: DatabaseWork, error: unknown): void {
    const use = uses[work]
    if (use === null) return
    const nowMs = this.#monotonicMs()
    this.#failing.set(work, {
      sinceMs: this.#failing.get(work)?.sinceMs ?? nowMs,
      lastMs: nowMs,
      needsSomebody: needSomebody.has(kindOf(unwrapped(error))),
      use,
      reason: describeConnectionFailure(error, use.database),
    })
  }

  /** Runs a work, and notes how it ends. */
  async note<T>(work: DatabaseWork, run: () => Promise<T>): Promise<T> {
    try {
      const result = await run()
      this.succeeded(work)
      return result
    } catch (error) {
      this.failed(work, error)
      throw error
    }
  }

  get lasting(): LastingFailures {
    const nowMs = this.#monotonicMs()
    let lasting = noLastingFailures
    for (const { sinceMs, lastMs, needsSomebody, use, reason } of this.#failing.values()) {
      const isOver = nowMs - lastMs > forgottenMs
      if (isOver || (!needsSomebody && nowMs - sinceMs < lastingMs)) continue
      lasting = { ...lasting, [use.direction]: lasting[use.direction] ?? reason }
    }
    return lasting
  }
}
