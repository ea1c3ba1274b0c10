/** Words for a gender that mean one thing wherever they stand. */
const male = [
  'male',
  'man',
  'hombre',
  'varon',
  'masculino',
  'masc',
  'mannlich',
  'maennlich',
  'homme',
  'uomo',
  'home',
  'h',
  'v',
]
const female = [
  'female',
  'woman',
  'mujer',
  'femenino',
  'fem',
  'weiblich',
  'femme',
  'donna',
  'dona',
  'feminino',
  'f',
  'w',
]

/** A table of values for a column of genders; `others`: how many distinct values are no gender that is known. */
export interface GenderValues {
  readonly values: Readonly<Record<string, 'male' | 'female'>>
  readonly others: number
  /** What a value means depends on a language that the others do not tell. */
  readonly isAmbiguous: boolean
}

/** Only words of this list are ever named: whatever else the column holds may be anything. Pure. */
export function genderValues(found: readonly string[]): GenderValues {
  const plain = (value: string) =>
    value
      .trim()
      .normalize('NFD')
      .replaceAll(/\p{Diacritic}/gu, '')
      .toLowerCase()
  const words = new Set(found.map(plain))
  // M is male beside F or W, and mujer beside H or V.
  const english = words.has('f') || words.has('w')
  const spanish = words.has('h') || words.has('v')
  const meaning = new Map<string, 'male' | 'female'>([
    ...male.map((word) => [word, 'male'] as const),
    ...female.map((word) => [word, 'female'] as const),
  ])
  if (english !== spanish) meaning.set('m', english ? 'male' : 'female')
  const values: Record<string, 'male' | 'female'> = {}
  let others = 0
  for (const value of found) {
    const gender = meaning.get(plain(value))
    if (gender !== undefined) values[value.trim()] = gender
    else if (value.trim() !== '' && plain(value) !== 'm') others++
  }
  return { values, others, isAmbiguous: words.has('m') && !meaning.has('m') }
}

/** How dates are written as text, the more common first. */
const formats = [
  'dd/MM/yyyy',
  'dd-MM-yyyy',
  'dd.MM.yyyy',
  'MM/dd/yyyy',
  'yyyyMMdd',
  'yyyy/MM/dd',
  'd/M/yyyy',
  'M/d/yyyy',
  'd.M.yyyy',
] as const

export interface DateFormat {
  /** Null: the server's own form (1980-02-01), or none that is known. */
  readonly format: string | null
  /** The other order of day and month fits every text as well. */
  readonly isAmbiguous: boolean
}

/** The format that reads every text. @param reads whether a format (null: the server's own) reads a text. Pure. */
export function dateFormat(
  texts: readonly string[],
  reads: (format: string | null, text: string) => boolean,
): DateFormat {
  const filled = texts.map((text) => text.trim()).filter((text) => text !== '')
  if (filled.length === 0 || filled.every((text) => reads(null, text))) return { format: null, isAmbiguous: false }
  const fitting = formats.filter((format) => filled.every((text) => reads(format, text)))
  const [format = null] = fitting
  const isAmericanToo = fitting.some((fit) => fit.toLowerCase().startsWith('m')) && format?.startsWith('d') === true
  return { format, isAmbiguous: isAmericanToo }
}
