import type { Patient } from './patient.ts'

/**
 * Result for a code that is to be unsubscribed: it is sent with its full record, is already unsubscribed or absent, is left to another
 * row, or is unknown: mediQuo does not show the patient though it may have it.
 */
export type CodeEnd =
  | { readonly kind: 'send'; readonly patient: Patient }
  | { readonly kind: 'ended' }
  | { readonly kind: 'left' }
  | { readonly kind: 'unknown' }
