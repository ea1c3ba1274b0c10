/** What an answer of success is worth: believed, believed once it is read back, or to be read back with no room to remember it. */
export type Acceptance = 'certain' | 'read back' | 'no room'
