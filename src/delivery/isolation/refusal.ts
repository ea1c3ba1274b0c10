import type { DeadLetter, DeadLetterReason } from '../../model/progress/stored-row.ts'

/** Reasons why the API refuses the content of a request. */
const refusalReasons = ['refused', 'too large'] as const

/** Reason why a request was refused for its content. `named`: rows that the answer names, by their position in the request. */
export interface Refusal {
  readonly reason: (typeof refusalReasons)[number]
  readonly status: number
  readonly named: readonly { readonly index: number; readonly attribute: string | null }[]
}

const letterReasons: Readonly<Record<Refusal['reason'], DeadLetterReason>> = {
  refused: 'refused by the API',
  'too large': 'too large',
}

/** Returns the dead letter of a row that caused a refusal. */
export function letterOf({ reason, status }: Refusal, attribute: string | null): DeadLetter {
  const attributes = attribute === null ? [] : [{ attribute, reason: 'refused' }]
  return { reason: letterReasons[reason], attributes, status }
}
