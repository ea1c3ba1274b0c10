import type { Refusal } from './isolation/refusal.ts'

/** Result of an attempt to deliver a batch (`mediquo/outcome.ts`). */
export type BatchOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'unexpected success'; readonly status: number }
  | { readonly kind: 'retry'; readonly reason: string; readonly inDoubt: boolean; readonly status: number | null }
  | { readonly kind: 'pause'; readonly ms: number; readonly until?: string }
  | { readonly kind: 'isolate'; readonly status: number; readonly named: Refusal['named'] }
  | { readonly kind: 'split' }
  | { readonly kind: 'halt'; readonly reason: string; readonly status: number }

/**
 * Returns true if a halt may be caused by the rows of the batch: a firewall answers so to some values. 404 and 405 are about the
 * address alone.
 */
export function mayConcernRows({ status }: Extract<BatchOutcome, { kind: 'halt' }>): boolean {
  return status !== 404 && status !== 405
}

/** Returns the refusal of an answer that refuses the content of a request. */
export function refusalOf(outcome: Extract<BatchOutcome, { kind: 'isolate' | 'split' }>): Refusal {
  switch (outcome.kind) {
    case 'isolate':
      return { reason: 'refused', status: outcome.status, named: outcome.named }
    case 'split':
      return { reason: 'too large', status: 413, named: [] }
  }
}

/** Returns true if there was no answer: the request may still be under way. */
export function isLost(outcome: BatchOutcome): boolean {
  return outcome.kind === 'retry' && outcome.inDoubt && outcome.status === null
}
