/** Other requests for each one of ours while both wait: a fifth of the permits. */
const othersForEach = 4

/** Which part of the requests may look for bad rows. */
export class Share {
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
