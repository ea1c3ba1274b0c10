import type { Mapping } from '../model/patient/mapping.ts'

/** Returns true if the mapping says in so many words that patients have no plan. */
export function saysNoPlan({ plan }: Mapping): boolean {
  return plan?.kind === 'constant' && plan.value === null
}

/** Returns the fault of a mapping that does not say where the plan comes from. @param column fault of the column `plan` that was expected. */
export function undecidedPlan(column: string | null): string {
  const [why, where] =
    column === null
      ? ['is not mapped', 'map a column or a constant']
      : [`is not mapped, and ${column}`, 'write a mapping with every attribute, and in it a column or a constant']
  return `mapping.plan: ${why}: mediQuo would unsubscribe every patient; ${where}, or write "plan: { constant: null }" if that is meant`
}
