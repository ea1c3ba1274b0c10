import type { Mapping } from '../model/patient/mapping.ts'
import type { Mapped } from '../model/patient/patient.ts'
import type { Row } from '../model/source/row.ts'
import type { ReadAttribute } from './attribute-reader.ts'

/**
 * Effect of a row on its patient's plan. `none`: it is sent without a plan, which unsubscribes the patient. `missing`: nobody decided about
 * its plan, so that it is rejected. `invalid`: it is rejected, because its plan is not in the value table or is no text. `unsent`: it is
 * left out, or rejected for another reason.
 */
export type PlanVerdict = 'plan' | 'none' | 'missing' | 'invalid' | 'unsent'

/** Source of the plans of a table's patients. */
export interface PlanSource {
  /** `null`: the configuration says that no patient has a plan. `transform`: the user's module decides for each row. */
  readonly kind: 'null' | 'constant' | 'columns' | 'transform'
  /** Columns that the plan depends on. */
  readonly columns: readonly string[]
  /** Judges a row that has these columns. */
  judge(row: Row): PlanVerdict
}

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

/** Fault of a transform that supplies no plan, under a mapping that has none. */
export const undecidedTransform =
  'mapping.plan: is not mapped, and the transform does not set it in any row that was looked at: map it, let the transform set plan (null for none), or write "plan: { constant: null }" if no patient has one'

/** Returns the source of the plan in a mapping without a transform. @param read reader of the plan; undefined if it is not mapped. */
export function mappedPlan({ plan }: Mapping, read: ReadAttribute | undefined, isRequired: boolean): PlanSource {
  if (plan === undefined || read === undefined || saysNoPlan({ plan }))
    return { kind: 'null', columns: [], judge: () => 'none' }
  if (plan.kind === 'constant') return { kind: 'constant', columns: [], judge: () => 'plan' }
  return {
    kind: 'columns',
    columns: [...new Set(plan.columns)],
    judge(row) {
      const found = read(row)
      if ('reason' in found) return 'invalid'
      if (found.value !== null) return 'plan'
      return isRequired ? 'missing' : 'none'
    },
  }
}

/** Returns the source of the plan in a mapping with a transform, which gets every column. */
export function transformedPlan(columns: readonly string[], map: (row: Row) => Mapped): PlanSource {
  return {
    kind: 'transform',
    columns,
    judge(row) {
      const mapped = map(row)
      if (mapped.kind === 'patient') return mapped.patient.plan === undefined ? 'none' : 'plan'
      const fault = mapped.kind === 'invalid' ? mapped.invalid.find(({ attribute }) => attribute === 'plan') : undefined
      if (fault === undefined) return 'unsent'
      return fault.reason === 'missing' ? 'missing' : 'invalid'
    },
  }
}
