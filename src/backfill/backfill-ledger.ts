import type { BackfillRun, BackfillRunPosition, BackfillRunProgress } from '../model/progress/backfill-run.ts'
import type { BackfillDebt, BackfillDebts } from '../model/progress/debt.ts'

/** Rows that were read together and are not all settled yet, or are behind such rows. */
interface Page extends BackfillDebt {
  readonly end: BackfillRunPosition
  readonly rows: number
  unsettled: number
}

/**
 * The ledger of a backfill run. Each page is a backfill debt of the rows that it contained. The run has settled up to the end of
 * the longest prefix of settled pages, and a restart continues there.
 */
export class BackfillLedger implements BackfillDebts {
  #run: BackfillRunProgress | null = null
  #recorded: BackfillRunProgress | null = null
  #isWalked = false
  #pages: Page[] = []
  #opened = 0

  /** Position up to which everything is settled; null between runs. */
  get progress(): BackfillRunProgress | null {
    return this.#run
  }

  begin({ id, position, rowsRead }: Pick<BackfillRun, 'id' | 'position' | 'rowsRead'>): void {
    this.#run = { id, position, rowsRead, done: false }
    this.#recorded = this.#run
    this.#isWalked = false
  }

  /** Notes a page that was read. @param unsettled number of rows with a backfill debt. @param rows number of rows that count as read. */
  open(end: BackfillRunPosition, unsettled: number, rows: number): BackfillDebt {
    this.#opened++
    const page = { page: this.#opened, end, rows, unsettled }
    this.#pages.push(page)
    this.#fold()
    return page
  }

  /** No page follows: the run is done once all pages are settled. */
  walked(): void {
    this.#isWalked = true
    this.#fold()
  }

  /** Forgets the run: it begins again later. Versions that have a backfill debt of it settle nothing. */
  abandon(): void {
    this.#run = this.#recorded = null
    this.#pages = []
  }

  join(a: BackfillDebt | null, b: BackfillDebt | null): BackfillDebt | null {
    if (a === null || b === null) return a ?? b
    const [earlier, later] = a.page <= b.page ? [a, b] : [b, a]
    this.settle(later)
    return earlier
  }

  settle(backfillDebt: BackfillDebt): void {
    const page = backfillDebt as Page
    if (page.unsettled < 1) throw new Error('a backfill debt was settled twice')
    page.unsettled--
    if (page.unsettled === 0) this.#fold()
  }

  /** Returns the progress that is not stored yet; null if there is none. */
  toRecord(): BackfillRunProgress | null {
    return this.#run === this.#recorded ? null : this.#run
  }

  recorded(progress: BackfillRunProgress): void {
    this.#recorded = progress
    if (progress.done && this.#run === progress) this.#run = this.#recorded = null
  }

  #fold(): void {
    if (!this.#run) return
    let { position, rowsRead, done } = this.#run
    let settled = 0
    for (const page of this.#pages) {
      if (page.unsettled > 0) break
      settled++
      position = page.end
      rowsRead += page.rows
    }
    this.#pages = this.#pages.slice(settled)
    if (this.#isWalked && this.#pages.length === 0) done = true
    if (settled > 0 || done !== this.#run.done) this.#run = { id: this.#run.id, position, rowsRead, done }
  }
}
