import type { Patient } from './patient.ts'

/** What becomes of a code that is to end: it is sent with its full record, has ended already, or is left to another row. */
export type CodeEnd =
  | { readonly kind: 'send'; readonly patient: Patient }
  | { readonly kind: 'ended' }
  | { readonly kind: 'left' }
