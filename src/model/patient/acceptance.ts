/** Meaning of a success: it counts as applied, counts once it is read back, or cannot be read back because memory has no room. */
export type Acceptance = 'certain' | 'read back' | 'no room'
