import type { Pool } from 'pg'
import type { CompiledMapping } from '../../mapping/compile.ts'
import type { PlanSource, PlanVerdict } from '../../mapping/plan-source.ts'
import { counted, grouped } from '../../model/quantity.ts'
import type { ReadableTable } from '../../source/table/table-read-sql.ts'
import { groupRows, type RowGroup, readSome } from '../../source/table/table-survey.ts'

/** Rows of a table by what becomes of their patient's plan. */
export interface PlanCount {
  readonly rows: number
  readonly verdicts: Readonly<Record<PlanVerdict, number>>
  /** False: only some rows were looked at, because the table is large, or because a transform decides about each row. */
  readonly isWhole: boolean
}

/** Counts the rows of a table by their plan; null if the time ran out. It holds no value longer than a row is judged. */
export async function countPlans(
  pool: Pool,
  table: ReadableTable,
  { plan, ms }: { readonly plan: PlanSource; readonly ms: number },
): Promise<PlanCount | null> {
  const { columns } = plan
  const groups = plan.kind === 'transform' ? null : await groupRows(pool, table, { columns, ms })
  if (groups !== null) return { ...tally(plan, groups), isWhole: true }
  const some = await readSome(pool, table, { columns, ms })
  if (some === null) return null
  const single = some.rows.map((row) => ({ row, rows: 1 }))
  return { ...tally(plan, single), isWhole: some.isWhole }
}

function tally(plan: PlanSource, groups: readonly RowGroup[]): Pick<PlanCount, 'rows' | 'verdicts'> {
  const verdicts: Record<PlanVerdict, number> = { plan: 0, none: 0, missing: 0, invalid: 0, unsent: 0 }
  let all = 0
  for (const { row, rows } of groups) {
    verdicts[plan.judge(row)] += rows
    all += rows
  }
  return { rows: all, verdicts }
}

/** Returns true if only a transform could say anything of the plan, and does not in any row that was looked at. */
export function leavesPlanOpen(
  { rows, verdicts }: PlanCount,
  { plan, attributes }: Pick<CompiledMapping, 'plan' | 'attributes'>,
): boolean {
  return plan.kind === 'transform' && !attributes.includes('plan') && rows > 0 && verdicts.missing === rows
}

/** Returns true if rows were looked at, and all of them are sent without a plan. */
export function hasNoPlans({ rows, verdicts }: PlanCount): boolean {
  return rows > 0 && verdicts.none === rows
}

/** Returns the number of rows that are rejected because of their plan: it is missing, or no valid one. */
export function rejectedForPlan({ verdicts }: PlanCount): number {
  return verdicts.missing + verdicts.invalid
}

/** Describes the count for an administrator. Pure. */
export function planCountInWords(count: PlanCount): string {
  const { rows, verdicts, isWhole } = count
  const { none } = verdicts
  if (rows === 0) return 'the table has no rows'
  const those = isWhole ? counted(rows, 'row') : `the ${counted(rows, 'row')} that were looked at`
  const without =
    none === 0
      ? `none of ${those} is without a plan`
      : `${none === rows ? `all of ${those}` : `${grouped(none)} of ${those}`} will be without a plan: mediQuo unsubscribes these patients`
  const rejected = rejectedForPlan(count)
  return rejected === 0
    ? without
    : `${without}; ${grouped(rejected)} will be rejected, because their plan is missing or not in the value table`
}
