import type { Lsn } from '../source/lsn.ts'

/** The oldest unsettled transaction that a waiting or in-flight version counts in. The progress ledger creates and settles it. */
export interface Debt {
  readonly commitLsn: Lsn
}

/** Operations on debts for the stages between decode and settle. Each debt is settled exactly once. */
export interface Debts {
  /** Creates a debt to the transaction that is being received. @throws {Error} if there is none. */
  owe(): Debt
  /** Joins the debts of two versions: the older is kept, and the newer is settled, since no position passes the older. */
  join(a: Debt | null, b: Debt | null): Debt | null
  settle(debt: Debt): void
}

/** A backfill debt of a row: the page of the table that waits for the row to settle. The backfill's ledger creates and settles it. */
export interface BackfillDebt {
  readonly page: number
}

/** Operations of the pending set on backfill debts. Each is settled exactly once. */
export interface BackfillDebts {
  /** Joins the backfill debts of two versions: that of the earlier page is kept, the other is settled. */
  join(a: BackfillDebt | null, b: BackfillDebt | null): BackfillDebt | null
  settle(backfillDebt: BackfillDebt): void
}
