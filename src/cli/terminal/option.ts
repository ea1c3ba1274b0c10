import { InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'

/** Form of an option on the command line. */
interface OptionForm {
  /** Name of its value, as in `<file>`; null: a flag. */
  readonly argument: string | null
  readonly help: string
  readonly fallback?: string | number
  readonly parse?: (text: string) => unknown
}

const forms = z.registry<OptionForm>()

function option<Schema extends z.ZodType>(schema: Schema, form: OptionForm): Schema {
  forms.add(schema, form)
  return schema
}

export function flag(help: string) {
  return option(z.boolean().default(false), { argument: null, help })
}

export function text(argument: string, help: string) {
  return option(z.string().optional(), { argument, help })
}

export function textOr(fallback: string, argument: string, help: string) {
  return option(z.string(), { argument, help, fallback })
}

/** An option that takes one or more values. */
export function texts(argument: `<${string}...>`, help: string) {
  return option(z.array(z.string()).optional(), { argument, help })
}

/** An option that takes a number of rows. */
export function rowCount(fallback: number, argument: string, help: string) {
  return option(z.number(), { argument, help, fallback, parse: parseRowCount })
}

/** Options of a command by name: `recordPatients` is `--record-patients`. */
export const optionTable = z.strictObject

/** Makes the command line's form of a table's options, in its order. @param conflicts options that exclude an option. */
export function commanderOptions<Shape extends z.ZodRawShape>(
  table: z.ZodObject<Shape>,
  conflicts: Partial<Record<keyof Shape, readonly (keyof Shape & string)[]>> = {},
): Option[] {
  const excluded: Readonly<Record<string, readonly string[] | undefined>> = conflicts
  return Object.entries(table.shape).map(([name, schema]) => {
    const form = forms.get(schema)
    if (form === undefined) throw new Error(`the option ${name} has no form on the command line`)
    const long = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    const made = new Option(form.argument === null ? long : `${long} ${form.argument}`, form.help)
    if (form.fallback !== undefined) made.default(form.fallback)
    if (form.parse !== undefined) made.argParser(form.parse)
    return made.conflicts([...(excluded[name] ?? [])])
  })
}

/** @throws {InvalidArgumentError} */
function parseRowCount(text: string): number {
  const rows = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(rows) || rows < 1)
    throw new InvalidArgumentError('It must be a whole number from 1.')
  return rows
}
