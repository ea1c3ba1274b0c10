import { comparePositions, type Position } from '../model/position.ts'

/**
 * MERGE rule 9's H: raised durably before a request leaves. One write of the position received so far covers every request
 * that asks while it is under way.
 */
export class Horizon {
  readonly #received: () => Position | null
  readonly #write: (position: Position) => Promise<void>
  #durable: Position | null
  #writing: Promise<void> | null = null

  constructor(options: {
    readonly durable: Position | null
    readonly received: () => Position | null
    readonly write: (position: Position) => Promise<void>
  }) {
    this.#durable = options.durable
    this.#received = options.received
    this.#write = options.write
  }

  /** Resolves once everything received before the call stands below the stored horizon. */
  async raise(): Promise<void> {
    const wanted = this.#received()
    while (wanted && (!this.#durable || comparePositions(this.#durable, wanted) < 0)) {
      this.#writing ??= this.#raiseToReceived()
      await this.#writing
    }
  }

  async #raiseToReceived(): Promise<void> {
    try {
      const position = this.#received()
      if (!position) return
      await this.#write(position)
      this.#durable = position
    } finally {
      this.#writing = null
    }
  }
}
