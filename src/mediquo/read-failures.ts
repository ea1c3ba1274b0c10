import { unreachable } from '../model/unreachable.ts'
import type { PatientAnswer } from './client.ts'

/** Time after which reads that fail are reported, milliseconds. */
const lastingMs = 60_000
/** A failure that is not repeated for so long is over: nothing is read any more. Attempts are at most two minutes apart. */
const forgottenMs = 300_000

/** Notes reads of patients that fail one after another. One that is answered ends it, whichever patient it is of. */
export class ReadFailures {
  readonly #monotonicMs: () => number
  #failing: { readonly sinceMs: number; readonly lastMs: number; readonly reason: string } | null = null

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  answered(answer: PatientAnswer): void {
    if (answer.kind !== 'not now') {
      this.#failing = null
      return
    }
    const nowMs = this.#monotonicMs()
    const sinceMs = this.#current(nowMs)?.sinceMs ?? nowMs
    this.#failing = { sinceMs, lastMs: nowMs, reason: reasonOf(answer.outcome) }
  }

  /** Reason of the last failure if reads have failed repeatedly for a minute; else null. */
  get lasting(): string | null {
    const failing = this.#current(this.#monotonicMs())
    return failing !== null && failing.lastMs - failing.sinceMs >= lastingMs ? failing.reason : null
  }

  #current(nowMs: number) {
    return this.#failing !== null && nowMs - this.#failing.lastMs <= forgottenMs ? this.#failing : null
  }
}

function reasonOf(outcome: Extract<PatientAnswer, { kind: 'not now' }>['outcome']): string {
  switch (outcome.kind) {
    case 'retry':
      return outcome.reason
    case 'pause':
      return 'status 429'
    case 'halt':
      return `status ${outcome.status}`
    default:
      return unreachable(outcome)
  }
}
