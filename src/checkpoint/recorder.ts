import { backOffMs } from '../lifecycle/back-off.ts'
import { wait } from '../lifecycle/wait.ts'
import type { WakeUp } from '../lifecycle/wake-up.ts'
import type { DurableLsn, Lsn } from '../model/lsn.ts'
import type { StoredRow } from '../model/stored-row.ts'

export interface RecorderOptions {
  readonly progress: { readonly settledLsn: Lsn; readonly durableLsn: DurableLsn; stored(lsn: Lsn): DurableLsn }
  readonly pending: {
    readonly unrecorded: number
    toRecord(): readonly StoredRow[]
    recorded(rows: readonly StoredRow[]): void
  }
  /** Writes rows and checkpoint in one transaction. */
  readonly write: (rows: readonly StoredRow[], checkpointLsn: Lsn) => Promise<void>
  /** The position is stored: it may be acknowledged. */
  readonly onDurable: (lsn: DurableLsn) => void
  readonly onTrouble: (error: unknown) => void
  /** Another instance writes: this one is done. */
  readonly isFatal: (error: unknown) => boolean
  /** Rung when something was delivered, or set aside. */
  readonly wakeUp: WakeUp
  readonly random: () => number
}

/**
 * How long settled progress that no delivery hurries may wait, milliseconds. Each write is WAL in the customer's database,
 * and a keepalive's position that we store is itself followed by one: without the pause the two would feed each other.
 */
const unhurriedMs = 1_000
/** … and while only the server's position moves. */
const idleMs = 10_000

/** Stores what was settled, then lets it be acknowledged: never the other way round, never one without the other. */
export class Recorder {
  readonly #options: RecorderOptions
  #failures = 0

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  get failing(): boolean {
    return this.#failures > 0
  }

  /** Records until the signal aborts. @throws what `isFatal` says is fatal. */
  async run(signal: AbortSignal): Promise<void> {
    const { wakeUp, pending, onTrouble, isFatal, random } = this.#options
    let writtenAtMs = performance.now()
    const stop = () => wakeUp.ring()
    signal.addEventListener('abort', stop, { once: true })
    while (!signal.aborted) {
      await wakeUp.heard(unhurriedMs)
      if (signal.aborted) break
      if (pending.unrecorded === 0 && performance.now() - writtenAtMs < idleMs) continue
      try {
        await this.flush()
        writtenAtMs = performance.now()
        this.#failures = 0
      } catch (error) {
        if (isFatal(error)) throw error
        onTrouble(error)
        this.#failures++
        await wait(100 + backOffMs(this.#failures, random(), { baseMs: 200, maxMs: 10_000 }), signal)
        wakeUp.ring()
      }
    }
    signal.removeEventListener('abort', stop)
  }

  /** One write of everything settled up to now. What is settled while it runs waits for the next. */
  async flush(): Promise<void> {
    const { progress, pending, write, onDurable } = this.#options
    const rows = pending.toRecord()
    const lsn = progress.settledLsn
    if (rows.length === 0 && lsn === progress.durableLsn) return
    await write(rows, lsn)
    pending.recorded(rows)
    onDurable(progress.stored(lsn))
  }
}
