import type { Patient } from './patient.ts'

/**
 * Result for a code that is to be unsubscribed: it is sent with its full record, is already unsubscribed or absent, or is left to
 * another row.
 */
export type CodeEnd =
  | { readonly kind: 'send'; readonly patient: Patient }
  | { readonly kind: 'ended' }
  | { readonly kind: 'left' }
