import { backOffMs } from '../lifecycle/back-off.ts'
import { wait } from '../lifecycle/wait.ts'
import type { WakeUp } from '../lifecycle/wake-up.ts'
import type { DurableLsn, Lsn } from '../model/lsn.ts'
import type { PassProgress } from '../model/pass.ts'
import type { StoredRow } from '../model/stored-row.ts'
import type { Horizon } from './horizon.ts'
import type { Settlement } from './record-statement.ts'

export interface RecorderOptions {
  readonly progress: { readonly settledLsn: Lsn; readonly durableLsn: DurableLsn; stored(lsn: Lsn): DurableLsn }
  readonly pending: {
    readonly unrecorded: number
    toRecord(): readonly StoredRow[]
    recorded(rows: readonly StoredRow[]): void
  }
  readonly pass: { toRecord(): PassProgress | null; recorded(progress: PassProgress): void }
  readonly horizon: Horizon
  /** The requests that left: so many that the state knows nothing of, and one more must be noted before it leaves. */
  readonly requests: { readonly mustBeNoted: boolean }
  /** Writes all of it at once, or nothing. */
  readonly write: (settlement: Omit<Settlement, 'recentRequests'>) => Promise<void>
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

/**
 * The only writer of what is settled, and of what is about to be sent. It stores, then lets the position be acknowledged: never
 * the other way round, never one without the other. One write at a time; who comes meanwhile shares the next.
 */
export class Recorder {
  readonly #options: RecorderOptions
  #failures = 0
  #writing: Promise<void> = Promise.resolve()
  #next: Promise<void> | null = null
  #raises = false

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  get failing(): boolean {
    return this.#failures > 0
  }

  /** Records until the signal aborts. @throws what `isFatal` says is fatal. */
  async run(signal: AbortSignal): Promise<void> {
    const { wakeUp, onTrouble, isFatal, random } = this.#options
    let writtenAtMs = performance.now()
    const stop = () => wakeUp.ring()
    signal.addEventListener('abort', stop, { once: true })
    while (!signal.aborted) {
      await wakeUp.heard(unhurriedMs)
      if (signal.aborted) break
      if (!this.#hasNews && performance.now() - writtenAtMs < idleMs) continue
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

  /**
   * MERGE rule 9: resolves once the state no longer claims to know what the API has of the rows about to be sent, the horizon
   * lies past everything received and read before the call, and a restart would count the requests that left.
   */
  async beforeSending(): Promise<void> {
    const { horizon, requests } = this.#options
    if (!this.#hasNews && !horizon.mustRise && !requests.mustBeNoted) return
    this.#raises = true
    await this.flush()
  }

  /** One write of everything settled up to when it begins, which is after the call. */
  flush(): Promise<void> {
    this.#next ??= this.#writing
      .catch(() => undefined)
      .then(() => {
        this.#next = null
        this.#writing = this.#write()
        return this.#writing
      })
    return this.#next
  }

  get #hasNews(): boolean {
    const { pending, pass } = this.#options
    return pending.unrecorded > 0 || pass.toRecord() !== null
  }

  async #write(): Promise<void> {
    const { progress, pending, pass, horizon, requests, write, onDurable } = this.#options
    // All of it is taken at one moment: a position must not stand for rows that are not among them.
    const rows = pending.toRecord()
    const checkpointLsn = progress.settledLsn
    const passed = pass.toRecord()
    const raised = this.#raises ? horizon.wanted : null
    this.#raises = false
    const isMoved = checkpointLsn !== progress.durableLsn || requests.mustBeNoted
    if (rows.length === 0 && passed === null && raised === null && !isMoved) return
    await write({ rows, checkpointLsn, horizon: raised, readLsn: null, pass: passed })
    pending.recorded(rows)
    if (passed) pass.recorded(passed)
    if (raised) horizon.stored(raised)
    onDurable(progress.stored(checkpointLsn))
  }
}
