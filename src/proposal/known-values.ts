/** Words for a gender that have only one meaning. */
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

/** Value table for a column of genders; `others`: the number of distinct values that are no known gender. */
export interface GenderValues {
  readonly values: Readonly<Record<string, 'male' | 'female'>>
  readonly others: number
  /** True if the meaning of a value depends on a language that the other values do not show. */
  readonly isAmbiguous: boolean
}

/** Returns the value table. It names only known words: any other value of the column is possibly private. Pure. */
export function genderValues(found: readonly string[]): GenderValues {
  const plain = (value: string) =>
    value
      .trim()
      .normalize('NFD')
      .replaceAll(/\p{Diacritic}/gu, '')
      .toLowerCase()
  const words = new Set(found.map(plain))
  // M is "male" if there is F or W, and "mujer" if there is H or V.
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

/** Formats of dates as text, the more common first. */
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
  /** Null: the server's own form (1980-02-01), or no known format. */
  readonly format: string | null
  /** True if the other order of day and month fits every text as well. */
  readonly isAmbiguous: boolean
}

/** Returns the format that reads every text. @param reads returns true if a format (null: the server's own) reads a text. Pure. */
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
