/** Live changes are always sent first; the backfill uses the rest of a batch. */
export const lanes = ['live', 'backfill'] as const
export type Lane = (typeof lanes)[number]
