/** What a colour says: all is well, look at it, it is in the way. */
export type Meaning = 'good' | 'doubtful' | 'bad'

/** Gives a text its colour, on a terminal that shows colours; elsewhere the text as it is. */
export type Paint = (meaning: Meaning, text: string) => string

export const plain: Paint = (_, text) => text
