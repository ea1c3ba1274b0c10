/** Part of a socket whose reading can be paused. */
export interface Pausable {
  pause(): unknown
  resume(): unknown
}

/** Length of the spans in which bytes are counted, milliseconds. */
const spanMs = 10
/** Bytes of a span after which the stream counts as busy. Some dozens of changes that are committed together do not reach it. */
const busyBytes = 16 * 1024
/** Size of a chunk that was worth waking up for, bytes. */
const largeBytes = 32 * 1024
/** Time for which a busy stream's data gathers in the kernel, milliseconds. */
const gatherMs = 1

/**
 * Decides when the replication's socket is read. The server passes each change to the kernel separately, and wakes up a reader that waits
 * for it, which costs the server more than the change: a catch-up is slower, the faster its reader is. Therefore a busy stream is read once a
 * millisecond. A stream that is not busy is read immediately.
 */
export class SocketReading implements Pausable {
  readonly #socket: Pausable
  readonly #monotonicMs: () => number
  #isPaused: boolean
  #isStopped = false
  #gathering: NodeJS.Timeout | null = null
  #spanAtMs = Number.NEGATIVE_INFINITY
  #spanBytes = 0
  #isBusy = false

  constructor(socket: Pausable & { isPaused(): boolean }, monotonicMs: () => number) {
    this.#socket = socket
    this.#isPaused = socket.isPaused()
    this.#monotonicMs = monotonicMs
  }

  /** Stops reading (back-pressure). */
  pause(): void {
    this.#isPaused = true
    this.#socket.pause()
  }
  resume(): void {
    this.#isPaused = false
    if (this.#gathering === null) this.#socket.resume()
  }

  /** Counts a chunk that was read, and leaves the socket alone for a moment if the stream is busy. */
  chunkRead(bytes: number): void {
    this.#count(bytes)
    if (!this.#isBusy || bytes >= largeBytes || this.#gathering !== null || this.#isStopped) return
    this.#socket.pause()
    this.#gathering = setTimeout(() => {
      this.#gathering = null
      if (!this.#isPaused) this.#socket.resume()
    }, gatherMs)
  }

  /** Ends it together with its socket. */
  stop(): void {
    this.#isStopped = true
    if (this.#gathering !== null) clearTimeout(this.#gathering)
  }

  #count(bytes: number): void {
    const nowMs = this.#monotonicMs()
    const lengthMs = nowMs - this.#spanAtMs
    if (lengthMs >= spanMs) {
      // A span that is much longer ended with a pause of the stream.
      this.#isBusy = this.#spanBytes >= busyBytes && lengthMs < 3 * spanMs
      this.#spanAtMs = nowMs
      this.#spanBytes = 0
    }
    this.#spanBytes += bytes
  }
}
