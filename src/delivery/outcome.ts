import type { Refusal } from './isolation/refusal.ts'

/** Result of an attempt to deliver a batch (`mediquo/outcome.ts`). */
export type BatchOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'retry'; readonly reason: string; readonly inDoubt: boolean; readonly status: number | null }
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'isolate'; readonly status: number; readonly named: Refusal['named'] }
  | { readonly kind: 'split' }
  | { readonly kind: 'halt'; readonly reason: string; readonly status: number }
