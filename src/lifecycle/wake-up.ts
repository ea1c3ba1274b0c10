import { longestTimerMs } from './longest-timer.ts'

/** A signal between two loops: `ring` wakes the loop that waits, or the next one to wait. */
export class WakeUp {
  #rung = false
  #waiting: (() => void) | null = null

  ring(): void {
    // Already signalled: the waiting loop is about to resume. Every change of the stream calls this.
    if (this.#rung) return
    this.#rung = true
    this.#waiting?.()
  }

  /** Resolves at the next `ring`, immediately if one came since the last wait, or after `timeoutMs` (24.8 days at most). */
  async heard(timeoutMs?: number): Promise<void> {
    if (!this.#rung) {
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
        if (timeoutMs !== undefined) timer = setTimeout(resolve, Math.min(timeoutMs, longestTimerMs))
      })
      clearTimeout(timer)
      this.#waiting = null
    }
    this.#rung = false
  }
}
