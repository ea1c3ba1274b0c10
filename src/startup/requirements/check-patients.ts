import type { CompiledMapping } from '../../mapping/compile.ts'
import { undecidedTransform } from '../../mapping/plan-source.ts'
import { attributes } from '../../model/patient/patient.ts'
import { describeConnectionFailure } from '../../source/connection/connection-failure.ts'
import { type Finding, requirement, warning } from '../../source/requirements/finding.ts'
import type { SourceFacts } from '../../source/source-facts.ts'
import { readableOf } from '../prepare.ts'
import type { Resources } from '../resources.ts'
import {
  countPlans,
  hasNoPlans,
  leavesPlanOpen,
  type PlanCount,
  planCountInWords,
  rejectedForPlan,
} from './plan-count.ts'

/** Time limit of the count, to spare the customer's server. */
const maxCountMs = 3_000

/** Consequence for attributes that are not mapped. */
export const notMappedMeans = 'mediQuo does not promise to keep what was entered there for these'

/** Says what mediQuo will have of the patients: how many are without a plan, and which attributes a request does not contain. */
export async function checkPatients(
  tools: Pick<Resources, 'source' | 'settings'>,
  { facts, mapping }: { readonly facts: SourceFacts; readonly mapping: CompiledMapping | null },
): Promise<Finding[]> {
  const { table } = facts
  if (!table || !mapping) return []
  return [await checkPlans(tools, { facts, table, mapping }), sentAttributes(mapping), ...paddingOf(mapping)]
}

type MappedTable = Parameters<typeof readableOf>[1]

async function checkPlans(
  { source, settings }: Pick<Resources, 'source' | 'settings'>,
  found: MappedTable,
): Promise<Finding> {
  const { plan } = found.mapping
  const what = 'patients have a plan'
  try {
    const count = await countPlans(source.pool, readableOf({ settings }, found), { plan, ms: maxCountMs })
    if (count === null)
      return warning({ requirement: what, met: true, found: 'the table is too large to count that in 3 s', fix: null })
    return judgePlans(count, found.mapping)
  } catch (error) {
    const sentence = describeConnectionFailure(error, 'the source')
    return warning({ requirement: what, met: false, found: `it could not be counted: ${sentence}`, fix: null })
  }
}

/** Judges the count of plans. That no patient has one is no mistake if the configuration says so. Pure. */
function judgePlans(count: PlanCount, mapping: Pick<CompiledMapping, 'plan' | 'attributes'>): Finding {
  const what = 'patients have a plan'
  if (leavesPlanOpen(count, mapping))
    return requirement({
      requirement: what,
      met: false,
      found: undecidedTransform,
      fix: 'correct the transform, or mapping',
    })
  const isSaid = mapping.plan.kind === 'null'
  const hasRejected = rejectedForPlan(count) > 0
  return warning({
    requirement: what,
    met: isSaid || !(hasRejected || hasNoPlans(count)),
    found: planCountInWords(count),
    fix: hasRejected
      ? 'fill the plan of these rows, add it to the value table, or let the transform set it (null for none)'
      : 'map plan from the column that has it, or write "plan: { constant: null }" if that is meant',
  })
}

/** Says that codes are sent without their padding. */
function paddingOf({ padding: { columns } }: CompiledMapping): Finding[] {
  if (columns.length === 0) return []
  return [requirement({ requirement: 'how codes are sent', met: true, found: paddingInWords(columns), fix: null })]
}

/** Says which padding is taken off a code. Pure. */
export function paddingInWords(columns: readonly string[]): string {
  const are = columns.length === 1 ? 'is of type' : 'are of type'
  return `${columns.join(', ')} ${are} character(n): the spaces that pad it are taken off the code`
}

/** Lists the attributes that a request replaces, and those that it does not contain. */
function sentAttributes({ attributes: mapped, plan }: CompiledMapping): Finding {
  const others = attributes.filter((attribute) => !mapped.includes(attribute))
  const replaced = `${mapped.join(', ')} replace what mediQuo has, also what was entered there`
  const lost = others.length === 0 ? '' : `; not mapped: ${others.join(', ')}; ${notMappedMeans}`
  const set = plan.kind === 'transform' ? ' (a transform may set others)' : ''
  return requirement({ requirement: 'what is sent', met: true, found: `${replaced}${lost}${set}`, fix: null })
}
