/** Number of other requests for each request of a search while both wait: a search gets a fifth of the permits. */
const othersForEach = 4

/** Limits the share of requests that may look for bad rows. */
export class ProbeShare {
  #others = othersForEach

  mayTake(othersWait: boolean): boolean {
    return !othersWait || this.#others >= othersForEach
  }
  sentOurs(): void {
    this.#others = 0
  }
  sentOther(): void {
    this.#others++
  }
}
