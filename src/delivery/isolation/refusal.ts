import type { DeadLetter } from '../../model/progress/stored-row.ts'

/** Reason why a request was refused for its content. `named`: rows that the answer names, by their position in the request. */
export interface Refusal {
  readonly reason: 'refused' | 'too large'
  readonly status: number
  readonly named: readonly { readonly index: number; readonly attribute: string | null }[]
}

/** Returns the dead letter of a row that caused a refusal. */
export function letterOf({ reason, status }: Refusal, attribute: string | null): DeadLetter {
  const attributes = attribute === null ? [] : [{ attribute, reason: 'refused' }]
  return { reason: reason === 'too large' ? 'too large' : 'refused by the API', attributes, status }
}
