/** Stamp of the checkpoint store: who became its writer last, and the number of the newest write. */
export interface WriterStamp {
  readonly epoch: number
  /** Token of the take-over after which the store was written last; null before the first one. No two take-overs have the same. */
  readonly writer: string | null
  /** Number of the newest write. It rises with every write of a writer. */
  readonly writes: number
  /** Token of the writer before, and the number of the newest write when it was replaced; null: there is none. */
  readonly previousWriter: string | null
  readonly previousWrites: number | null
}

/** Own writes, as far as a writer knows them. */
export interface OwnWrites {
  readonly epoch: number
  readonly writer: string
  /** Number of the newest write that was answered. The store contains it, unless the store went back. */
  readonly confirmed: number
  /** Number of the newest write that was begun. Those past `confirmed` may be stored or not. */
  readonly begun: number
}

/**
 * Standing of a writer in the store. `current`: it may write. `fenced`: another instance has taken over, or has changed the store, after
 * all of its writes. `went back`: the store lacks a write that was answered.
 */
export const standings = ['current', 'fenced', 'went back'] as const
export type Standing = (typeof standings)[number]

/**
 * Compares the store with what a writer knows of its own writes. Null: the store is empty. A number alone does not tell: after the store
 * went back, another writer may have reached the same epoch and the same number. Pure.
 */
export function standingOf(own: OwnWrites, stored: WriterStamp | null): Standing {
  // 1. The store was made again.
  if (stored === null) return 'went back'
  // 2. Nobody has taken over since.
  if (stored.writer === own.writer) {
    if (stored.writes < own.confirmed) return 'went back'
    // A take-over of ours, or a change of the slot, may have raised the epoch alone.
    return stored.epoch === own.epoch ? 'current' : 'fenced'
  }
  // 3. Somebody took over from a store in which our take-over never happened.
  if (stored.epoch <= own.epoch) return 'went back'
  // 4. Somebody took over from us: from a store with all of our writes?
  if (stored.previousWriter === own.writer) return (stored.previousWrites ?? 0) < own.confirmed ? 'went back' : 'fenced'
  // 5. Somebody took over from another writer. With one take-over since ours, that must have been us; with more, it is not known.
  return stored.epoch === own.epoch + 1 ? 'went back' : 'fenced'
}

/** Compares the store with the checkpoint as it was loaded: nobody may have written since. Pure. */
export function standingSince(loaded: WriterStamp, stored: WriterStamp | null): Standing {
  const { epoch, writer, writes } = loaded
  return stored?.epoch === epoch && stored.writer === writer && stored.writes === writes ? 'current' : 'fenced'
}

/** Own writes of a process that has not taken over. No write passes with them. */
const nothingWritten: OwnWrites = { epoch: 0, writer: '00000000-0000-0000-0000-000000000000', confirmed: 0, begun: 0 }

/** Own writes of this process. It outlives a pipeline, so that a store that goes back between two of them is noticed. */
export class Writership {
  #own = nothingWritten
  /** Tokens of all take-overs of this process, answered or not. */
  readonly #tokens = new Set<string>()

  get epoch(): number {
    return this.#own.epoch
  }
  get own(): OwnWrites {
    return this.#own
  }

  /** Begins a take-over. */
  beginTakeOver(token: string): void {
    this.#tokens.add(token)
  }
  /** Returns true if the token is of a take-over of this process. */
  isOwn(token: string | null): boolean {
    return token !== null && this.#tokens.has(token)
  }
  /** The take-over is stored. */
  tookOver({
    epoch,
    writer,
    writes,
  }: {
    readonly epoch: number
    readonly writer: string
    readonly writes: number
  }): void {
    this.#own = { epoch, writer, confirmed: writes, begun: writes }
  }

  /** Begins the next write. */
  beginWrite(): OwnWrites {
    this.#own = { ...this.#own, begun: this.#own.begun + 1 }
    return this.#own
  }
  /** The write was answered: it is stored. */
  wrote({ writer, begun }: OwnWrites): void {
    if (writer === this.#own.writer) this.#own = { ...this.#own, confirmed: Math.max(begun, this.#own.confirmed) }
  }

  /** Returns the standing of this process. A take-over of it whose answer was lost counts as its own. */
  standing(stored: WriterStamp | null): Standing {
    const own = this.#own
    const isUnanswered =
      stored !== null &&
      this.isOwn(stored.writer) &&
      stored.previousWriter === own.writer &&
      stored.epoch === own.epoch + 1
    if (!isUnanswered) return standingOf(own, stored)
    return (stored.previousWrites ?? 0) < own.confirmed ? 'went back' : 'current'
  }

  /**
   * Returns true if the store has every write that this process has begun, answered or not, and nobody else has written since. A take-over
   * of this process is a write too: its requests leave only once it was answered.
   */
  hasEveryWrite(stored: WriterStamp | null): boolean {
    const own = this.#own
    if (own === nothingWritten || stored === null) return false
    if (stored.writer === own.writer) return stored.writes >= own.begun
    return (
      this.isOwn(stored.writer) && stored.previousWriter === own.writer && (stored.previousWrites ?? 0) >= own.begun
    )
  }

  /** Returns true if this process wrote something that the store lacks. */
  isLacking(stored: WriterStamp | null): boolean {
    return this.#own !== nothingWritten && this.standing(stored) === 'went back'
  }
  /** Forgets the writes of this process, once the store does not pretend to have them any more. */
  forget(): void {
    this.#own = nothingWritten
  }
}
