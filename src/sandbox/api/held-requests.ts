/** Requests that wait under a name until they are released. */
export class HeldRequests {
  readonly #held = new Map<string, Set<() => void>>()
  readonly #expected = new Map<string, (() => void)[]>()

  /** Number of waiting requests by name. */
  get waiting(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#held].map(([id, waiting]) => [id, waiting.size]))
  }

  /** Resolves when released, or after `ms`. */
  async hold(id: string, ms?: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(() => release(), ms)
      const release = () => {
        clearTimeout(timer)
        this.#forget(id, release)
        resolve()
      }
      const waiting = this.#held.get(id) ?? new Set()
      this.#held.set(id, waiting.add(release))
      const expected = this.#expected.get(id) ?? []
      this.#expected.delete(id)
      for (const notice of expected) notice()
    })
  }

  /** Resolves once a request waits under this name. */
  async whenHeld(id: string): Promise<void> {
    if (this.#held.has(id)) return
    await new Promise<void>((resolve) => this.#expected.set(id, [...(this.#expected.get(id) ?? []), resolve]))
  }

  /** Releases the requests under one name, or all of them. @returns their number. */
  release(id?: string): number {
    const released = [...this.#held].flatMap(([name, waiting]) => (id === undefined || id === name ? [...waiting] : []))
    for (const release of released) release()
    return released.length
  }

  #forget(id: string, release: () => void): void {
    const waiting = this.#held.get(id)
    waiting?.delete(release)
    if (waiting?.size === 0) this.#held.delete(id)
  }
}
