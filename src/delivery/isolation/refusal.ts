import type { DeadLetter } from '../../model/progress/stored-row.ts'

/** Why a request was refused for what is in it. `named`: the rows that the answer names, by their place in the request. */
export interface Refusal {
  readonly reason: 'refused' | 'too large'
  readonly status: number
  readonly named: readonly { readonly index: number; readonly attribute: string | null }[]
}

/** The dead letter of a row that is found to be why. */
export function letterOf({ reason, status }: Refusal, attribute: string | null): DeadLetter {
  const attributes = attribute === null ? [] : [{ attribute, reason: 'refused' }]
  return { reason: reason === 'too large' ? 'too large' : 'refused by the API', attributes, status }
}
