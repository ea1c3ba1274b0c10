import {
  type Attribute,
  type AttributeKind,
  attributes,
  genders,
  isOfKind,
  kindOf,
  locales,
  type OptionalAttribute,
} from '../../../model/patient/patient.ts'

/** Values of the optional attributes as the API takes them. */
export type SentValues = {
  readonly [Name in OptionalAttribute]?: ((typeof kindOf)[Name] extends 'object' ? object : string) | null
}

/** Patient in a valid request: null clears an attribute; an absent one keeps its value, except for `plan`. */
export interface SentPatient extends SentValues {
  readonly code: string
  readonly first_name: string
  readonly plan: string | null
}

/** One broken rule. `index` is the patient's position in the request, null if the list itself is invalid. */
export interface FieldError {
  readonly index: number | null
  readonly path: string
  readonly message: string
}

/** Result of the documented rules for a request's body. */
export type Validation =
  | { readonly kind: 'valid'; readonly patients: readonly SentPatient[] }
  | { readonly kind: 'invalid'; readonly errors: readonly FieldError[] }

const maxPatients = 100

/** Attributes that the newest edition makes optional; they are required by default. */
export const relaxableAttributes = ['gender', 'birth_date'] as const
export type RelaxableAttribute = (typeof relaxableAttributes)[number]

/** Checks `{patients: [...]}` as a whole: one broken rule anywhere rejects everything. */
export function validatePatients(body: unknown, optional: readonly RelaxableAttribute[] = []): Validation {
  const list = isObject(body) ? Reflect.get(body, 'patients') : undefined
  if (list === undefined || list === null) return listError('The patients field is required.')
  if (!Array.isArray(list)) return listError('The patients field must be an array.')
  if (list.length === 0) return listError('The patients field is required.')
  if (list.length > maxPatients) return listError(`The patients field must not have more than ${maxPatients} items.`)

  const errors: FieldError[] = []
  const timesSent = countCodes(list)
  const patients = list.map((sent: unknown, index) => readPatient({ sent, index, optional, timesSent, errors }))
  return errors.length > 0 ? { kind: 'invalid', errors } : { kind: 'valid', patients }
}

/** Returns the codes in a body, in its order. From an invalid body it returns those that can be read. */
export function codesOf(body: unknown): string[] {
  const list = isObject(body) ? Reflect.get(body, 'patients') : undefined
  if (!Array.isArray(list)) return []
  return list.map((sent: unknown) => (isObject(sent) ? String(Reflect.get(sent, 'code') ?? '') : ''))
}

function listError(message: string): Validation {
  return { kind: 'invalid', errors: [{ index: null, path: 'patients', message }] }
}

interface Reading {
  readonly sent: unknown
  readonly index: number
  readonly optional: readonly RelaxableAttribute[]
  readonly timesSent: ReadonlyMap<string, number>
  readonly errors: FieldError[]
}

function readPatient({ sent, index, optional, timesSent, errors }: Reading): SentPatient {
  const reader = new AttributeReader(isObject(sent) ? sent : {}, index, errors)
  const code = reader.needed('code')
  if ((timesSent.get(code) ?? 0) > 1) reader.fail('code', 'The :path field has a duplicate value.')
  const first_name = reader.needed('first_name')
  const patient: Writable<SentPatient> = { code, first_name, plan: null }
  for (const attribute of attributes) {
    if (attribute === 'code' || attribute === 'first_name') continue
    if (attribute === 'plan') patient.plan = reader.text('plan') ?? null
    else if (isOfKind(attribute, 'object')) {
      const value = reader.object(attribute)
      if (value !== undefined) patient[attribute] = value
    } else {
      const isNeeded = relaxableAttributes.some((name) => name === attribute && !optional.includes(name))
      const value = isNeeded ? reader.needed(attribute) : reader.text(attribute)
      if (value !== undefined) patient[attribute] = value
      const fault = value ? faultOf[kindOf[attribute]](value) : null
      if (fault !== null) reader.fail(attribute, fault)
    }
  }
  return patient
}

/** Faults of a text that is not blank, by the kind of its attribute. */
const faultOf: Readonly<Record<Exclude<AttributeKind, 'object'>, (value: string) => string | null>> = {
  code: () => null,
  text: () => null,
  gender: (value) => (isOneOf(genders, value) ? null : 'The selected :path is invalid.'),
  date: (value) => (isDate(value) ? null : 'The :path field must match the format Y-m-d.'),
  locale: (value) => (isOneOf(locales, value) ? null : 'The selected :path is invalid.'),
}

/** Value under construction. */
export type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] }

/** Reads one patient's attributes and records the errors; a blank attribute reads as null. */
class AttributeReader {
  readonly #source: object
  readonly #index: number
  readonly #errors: FieldError[]

  constructor(source: object, index: number, errors: FieldError[]) {
    this.#source = source
    this.#index = index
    this.#errors = errors
  }

  text(attribute: Attribute): string | null | undefined {
    const value: unknown = Reflect.get(this.#source, attribute)
    if (value === undefined) return undefined
    if (value === null || value === '') return null
    if (typeof value === 'string') return value
    this.fail(attribute, 'The :path field must be a string.')
    return undefined
  }

  needed(attribute: Attribute): string {
    const value: unknown = Reflect.get(this.#source, attribute)
    if (value !== undefined && value !== null && value !== '') return this.text(attribute) ?? ''
    this.fail(attribute, 'The :path field is required.')
    return ''
  }

  object(attribute: Attribute): object | null | undefined {
    const value: unknown = Reflect.get(this.#source, attribute)
    if (value === undefined || value === null || isObject(value)) return value
    this.fail(attribute, 'The :path field must be an array.')
    return undefined
  }

  /** Records an error. `:path` in the message stands for the attribute's path in the request. */
  fail(attribute: Attribute, message: string): void {
    const path = `patients.${this.#index}.${attribute}`
    this.#errors.push({ index: this.#index, path, message: message.replace(':path', path) })
  }
}

function countCodes(list: readonly unknown[]): Map<string, number> {
  const times = new Map<string, number>()
  for (const sent of list) {
    const code: unknown = isObject(sent) ? Reflect.get(sent, 'code') : undefined
    if (typeof code === 'string' && code !== '') times.set(code, (times.get(code) ?? 0) + 1)
  }
  return times
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOneOf(allowed: readonly string[], value: string): boolean {
  return allowed.includes(value)
}

/** Returns true for `Y-m-d` with a day that the calendar has. */
function isDate(value: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return false
  const month = Number(value.slice(5, 7))
  const day = Number(value.slice(8))
  if (month < 1 || month > 12 || day < 1) return false
  if (day <= 28) return true
  return day <= new Date(Date.UTC(Number(value.slice(0, 4)), month, 0)).getUTCDate()
}
