/** Meaning of a colour: all is well, look at it, it prevents work. */
export type Meaning = 'good' | 'doubtful' | 'bad'

/** Gives a text its colour on a terminal that shows colours; elsewhere it returns the text unchanged. */
export type Paint = (meaning: Meaning, text: string) => string

export const plain: Paint = (_, text) => text
