import type { CompiledMapping } from '../mapping/compile.ts'
import { undecidedTransform } from '../mapping/plan-source.ts'
import { ProblemsError } from '../model/failure/connector-error.ts'
import type { SourceFacts, TableFacts } from '../source/source-facts.ts'
import { readableOf } from './prepare.ts'
import { countPlans, hasNoPlans, leavesPlanOpen, type PlanCount, rejectedForPlan } from './requirements/plan-count.ts'
import type { Resources } from './resources.ts'

/** Time limit of the count: it delays the start. */
const maxCountMs = 1_000

/**
 * Logs how many patients are without a plan. A count that fails does not prevent the start.
 * @throws {ProblemsError} if neither the mapping nor the transform says anything of a plan.
 */
export async function reportPlans(
  resources: Pick<Resources, 'settings' | 'source' | 'telemetry'>,
  found: { readonly facts: SourceFacts; readonly table: TableFacts; readonly mapping: CompiledMapping },
): Promise<void> {
  const { pool } = resources.source
  const { logger } = resources.telemetry
  const { plan } = found.mapping
  const counting = countPlans(pool, readableOf(resources, found), { plan, ms: maxCountMs })
  const count = await counting.catch((error: unknown) => ({ error }))
  if (count === null || 'error' in count) {
    logger.warn({ ...count }, 'patients without a plan could not be counted')
    return
  }
  if (leavesPlanOpen(count, found.mapping)) throw new ProblemsError('mapping invalid', [undecidedTransform])
  log(resources, count, plan.kind === 'null')
}

function log(
  { settings, telemetry }: Pick<Resources, 'settings' | 'telemetry'>,
  count: PlanCount,
  isSaid: boolean,
): void {
  const { schema, table } = settings.source.table
  const { logger } = telemetry
  const { rows, isWhole, verdicts } = count
  const fields = {
    table: `${schema}.${table}`,
    rows,
    withoutPlan: verdicts.none,
    rejected: rejectedForPlan(count),
    isWhole,
  }
  if (verdicts.none === 0) logger.info(fields, 'no patient is without a plan')
  else if (hasNoPlans(count) && !isSaid) logger.warn(fields, 'no patient has a plan, mediQuo unsubscribes all of them')
  else logger.info(fields, 'patients without a plan, mediQuo unsubscribes them')
}
