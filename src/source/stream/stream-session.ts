import type { Clocks } from '../../lifecycle/clocks.ts'
import type { WalEvent } from '../../model/source/change.ts'
import type { DurableLsn, Lsn } from '../../model/source/lsn.ts'
import type { ReplicationClient, StreamListener } from './replication-client.ts'
import { silenceLimitMs, statusIntervalMs } from './standby-status.ts'

/** Ways in which a session ends without a failure of the connection itself. */
export const sessionEnds = ['released', 'ended by the server', 'silent', 'stopped'] as const
export type SessionEnd = (typeof sessionEnds)[number]

/** Methods of the connection that a session uses. */
type Connection = Pick<ReplicationClient, 'run' | 'close' | 'sendStatus' | 'pause' | 'resume'>

/** Consumer of the stream, which says what the session may acknowledge. */
export interface StreamConsumer {
  readonly durableLsn: () => DurableLsn
  readonly onStart: () => void
  /** Accepts an event; runs in the socket's handler. */
  readonly receive: (event: WalEvent) => void
}

export interface SessionOptions {
  readonly open: (listener: StreamListener) => Connection
  readonly walSenderTimeoutMs: number
  /** Maximum interval between two statuses, milliseconds. */
  readonly maxStatusMs?: number
  readonly consumer: StreamConsumer
  readonly signal: AbortSignal
  readonly clocks: Clocks
}

/**
 * One replication connection with its standby status and its back-pressure. It disconnects when the server is silent, and when the server
 * waits for us in order to shut down: then it requests a reply again with no WAL in between. Otherwise that never happens, because our own
 * status goes out long before the server would ask.
 */
export class StreamSession {
  readonly #options: SessionOptions
  readonly #client: Connection
  #timer: NodeJS.Timeout | undefined
  #paused = false
  #lastHeardMs: number
  #askedAt: Lsn | null = null
  #end: SessionEnd | null = null

  constructor(options: SessionOptions) {
    this.#options = options
    this.#lastHeardMs = options.clocks.monotonicMs()
    this.#client = options.open({
      onStart: () => this.#start(),
      onBytes: () => {
        this.#lastHeardMs = options.clocks.monotonicMs()
      },
      onEvent: (event) => this.#receive(event),
    })
  }

  /** Runs the session. Resolves with the reason of an orderly end; rejects with the failure of the connection or of `receive`. */
  async run(): Promise<SessionEnd> {
    const stop = () => this.close('stopped')
    this.#options.signal.addEventListener('abort', stop, { once: true })
    try {
      if (this.#options.signal.aborted) return 'stopped'
      await this.#client.run()
      return this.#end ?? 'ended by the server'
    } finally {
      clearInterval(this.#timer)
      this.#options.signal.removeEventListener('abort', stop)
    }
  }

  close(end: SessionEnd): void {
    this.#end ??= end
    // Acknowledge what is stored before the connection closes.
    this.acknowledge()
    void this.#client.close()
  }

  /** Sends the durable position: after each store, on the timer, and when the server asks. */
  acknowledge(replyRequested = false): void {
    const { consumer, clocks } = this.#options
    this.#client.sendStatus(consumer.durableLsn(), clocks.wallClockMs(), replyRequested)
  }

  /** Stops reading (back-pressure); the standby status goes on. */
  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#client.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#lastHeardMs = this.#options.clocks.monotonicMs()
    this.#client.resume()
  }

  #start(): void {
    const { walSenderTimeoutMs, maxStatusMs, clocks } = this.#options
    this.#lastHeardMs = clocks.monotonicMs()
    this.#timer = setInterval(
      () => {
        const silentMs = clocks.monotonicMs() - this.#lastHeardMs
        // While our own back-pressure stops reading, nothing can arrive: that is no silence of the server's.
        if (!this.#paused && silentMs > silenceLimitMs(walSenderTimeoutMs)) this.close('silent')
        else this.acknowledge(true)
      },
      statusIntervalMs(walSenderTimeoutMs, maxStatusMs),
    )
    this.acknowledge()
    this.#options.consumer.onStart()
  }

  #receive(event: WalEvent): void {
    this.#options.consumer.receive(event)
    if (event.kind !== 'keepalive') {
      this.#askedAt = null
    } else if (event.replyRequested) {
      if (this.#askedAt === event.lsn) {
        this.close('released')
        return
      }
      this.#askedAt = event.lsn
      this.acknowledge()
    }
  }
}
