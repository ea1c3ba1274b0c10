import type { Lsn } from '../model/lsn.ts'
import { comparePositions, type Position } from '../model/position.ts'

/**
 * MERGE rule 9's H: stored, before a request leaves, at or past every streamed change and the end of every table read that the
 * request may contain. After a restart nothing is sent until the stream has passed it.
 */
export class Horizon {
  readonly #received: () => Position | null
  readonly #readTo: () => Lsn | null
  #durable: Position | null

  /** @param readTo the end of the newest table read that was merged. */
  constructor(options: {
    readonly durable: Position | null
    readonly received: () => Position | null
    readonly readTo: () => Lsn | null
  }) {
    this.#received = options.received
    this.#readTo = options.readTo
    this.#durable = options.durable
  }

  /** Where it must stand before something leaves now; null if nothing was received or read. */
  get wanted(): Position | null {
    return later(later(this.#received(), lastBefore(this.#readTo())), this.#durable)
  }

  get mustRise(): boolean {
    const { wanted } = this
    return wanted !== null && (this.#durable === null || comparePositions(this.#durable, wanted) < 0)
  }

  stored(position: Position): void {
    this.#durable = later(this.#durable, position)
  }
}

/** The last position whose transaction a read that ended there may have seen: its commit record is longer than one byte. */
function lastBefore(end: Lsn | null): Position | null {
  return end === null ? null : { commitLsn: (end - 1n) as Lsn, ordinal: Number.MAX_SAFE_INTEGER }
}

function later(a: Position | null, b: Position | null): Position | null {
  if (a === null || b === null) return a ?? b
  return comparePositions(a, b) >= 0 ? a : b
}
