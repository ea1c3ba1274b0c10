/**
 * Meaning of a success: it counts as applied, counts once it is read back, or cannot be read back because memory has no room. Without room
 * it is `repeated` if an earlier acceptance of the code may be applied after it.
 */
export type Acceptance = 'certain' | 'read back' | 'no room' | 'repeated, no room'
