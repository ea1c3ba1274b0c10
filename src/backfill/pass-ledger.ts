import type { Claim, Claims } from '../model/progress/debt.ts'
import type { Pass, PassPosition, PassProgress } from '../model/progress/pass.ts'

/** Rows that were read together and are not all settled yet, or stand behind such. */
interface Page extends Claim {
  readonly end: PassPosition
  readonly rows: number
  unsettled: number
}

/**
 * The pass's ledger. Each page is a claim on the rows that it brought; the pass has settled up to the end of the longest prefix
 * of settled pages, and a restart goes on there.
 */
export class PassLedger implements Claims {
  #pass: PassProgress | null = null
  #recorded: PassProgress | null = null
  #isWalked = false
  #pages: Page[] = []
  #opened = 0

  /** Everything up to here is settled; null between passes. */
  get progress(): PassProgress | null {
    return this.#pass
  }

  begin({ id, position, rowsRead }: Pick<Pass, 'id' | 'position' | 'rowsRead'>): void {
    this.#pass = { id, position, rowsRead, done: false }
    this.#recorded = this.#pass
    this.#isWalked = false
  }

  /** A page was read. @param claims the number of rows for which the claim is made. @param rows how many count as read. */
  open(end: PassPosition, claims: number, rows: number): Claim {
    this.#opened++
    const page = { page: this.#opened, end, rows, unsettled: claims }
    this.#pages.push(page)
    this.#fold()
    return page
  }

  /** No page will follow: the pass is done once all are settled. */
  walked(): void {
    this.#isWalked = true
    this.#fold()
  }

  join(a: Claim | null, b: Claim | null): Claim | null {
    if (a === null || b === null) return a ?? b
    const [earlier, later] = a.page <= b.page ? [a, b] : [b, a]
    this.settle(later)
    return earlier
  }

  settle(claim: Claim): void {
    const page = claim as Page
    if (page.unsettled < 1) throw new Error('a claim was settled twice')
    page.unsettled--
    if (page.unsettled === 0) this.#fold()
  }

  /** What the state does not say yet. */
  toRecord(): PassProgress | null {
    return this.#pass === this.#recorded ? null : this.#pass
  }

  recorded(progress: PassProgress): void {
    this.#recorded = progress
    if (progress.done && this.#pass === progress) this.#pass = this.#recorded = null
  }

  #fold(): void {
    if (!this.#pass) return
    let { position, rowsRead, done } = this.#pass
    let settled = 0
    for (const page of this.#pages) {
      if (page.unsettled > 0) break
      settled++
      position = page.end
      rowsRead += page.rows
    }
    this.#pages = this.#pages.slice(settled)
    if (this.#isWalked && this.#pages.length === 0) done = true
    if (settled > 0 || done !== this.#pass.done) this.#pass = { id: this.#pass.id, position, rowsRead, done }
  }
}
