import type { Lsn } from '../source/lsn.ts'

/** The oldest unsettled transaction that a waiting or in-flight version answers for. The progress ledger makes and settles it. */
export interface Debt {
  readonly commitLsn: Lsn
}

/** What the stages between decode and settle may do with debts. Each debt is settled exactly once. */
export interface Debts {
  /** A new debt to the transaction that is being received. @throws {Error} if none is. */
  owe(): Debt
  /** Joins the debts of two versions into one: the older is kept, the newer settled, since nothing passes the older. */
  join(a: Debt | null, b: Debt | null): Debt | null
  settle(debt: Debt): void
}

/** A backfill's claim on a row: the page of the table that waits for the row to settle. The backfill's ledger makes and settles it. */
export interface Claim {
  readonly page: number
}

/** What the pending set may do with claims. Each is settled exactly once. */
export interface Claims {
  /** Joins the claims on two versions into one: that of the earlier page is kept, the other settled. */
  join(a: Claim | null, b: Claim | null): Claim | null
  settle(claim: Claim): void
}
