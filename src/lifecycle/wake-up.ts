import { longestTimerMs } from './longest-timer.ts'

/** A signal between two loops: `ring` wakes the one that waits, or the next one to wait. */
export class WakeUp {
  #rung = false
  #waiting: (() => void) | null = null

  ring(): void {
    // Rung already: whoever waits is on the way. It is rung for every change of the stream.
    if (this.#rung) return
    this.#rung = true
    this.#waiting?.()
  }

  /** Resolves at the next ring, at once if one came since the last wait, or after `timeoutMs` (24.8 days at most). */
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
