/** Live changes always leave first; the backfill takes what is left of a batch. */
export const lanes = ['live', 'backfill'] as const
export type Lane = (typeof lanes)[number]
