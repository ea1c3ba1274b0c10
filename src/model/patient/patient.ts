declare const codeBrand: unique symbol

/** The attributes of the API's Patient object, in the order of its documentation; the last four were added later. */
export const attributes = [
  'code',
  'first_name',
  'last_name',
  'gender',
  'birth_date',
  'email',
  'plan',
  'tax_id',
  'phone',
  'locale',
  'meta',
] as const
export type Attribute = (typeof attributes)[number]

/** Kinds of values that an attribute has. What the stages do with an attribute follows from its kind, so that none is listed twice. */
export const attributeKinds = ['code', 'text', 'gender', 'date', 'locale', 'object'] as const
export type AttributeKind = (typeof attributeKinds)[number]

export const kindOf = {
  code: 'code',
  first_name: 'text',
  last_name: 'text',
  gender: 'gender',
  birth_date: 'date',
  email: 'text',
  plan: 'text',
  tax_id: 'text',
  phone: 'text',
  locale: 'locale',
  meta: 'object',
} as const satisfies Record<Attribute, AttributeKind>

/** Attributes of one kind. */
type AttributeOfKind<Kind extends AttributeKind> = {
  [Name in Attribute]: (typeof kindOf)[Name] extends Kind ? Name : never
}[Attribute]

export function isOfKind<Kind extends AttributeKind>(
  attribute: Attribute,
  kind: Kind,
): attribute is AttributeOfKind<Kind> {
  return kindOf[attribute] === kind
}

/** Attributes that a patient may lack without another meaning: a patient without a `plan` is unsubscribed. */
export const optionalAttributes = attributes.filter(
  (attribute) => attribute !== 'code' && attribute !== 'first_name' && attribute !== 'plan',
)
export type OptionalAttribute = (typeof optionalAttributes)[number]

/** The value that identifies a patient at mediQuo. */
export type PatientCode = string & { readonly [codeBrand]: true }

export const genders = ['male', 'female'] as const
export const locales = ['de', 'en', 'es', 'pt'] as const

/** Values of the kinds of attributes. */
interface ValueOfKind {
  readonly code: PatientCode
  readonly text: string
  readonly gender: (typeof genders)[number]
  readonly date: string
  readonly locale: (typeof locales)[number]
  readonly object: Readonly<Record<string, unknown>>
}

type OptionalValues = { readonly [Name in OptionalAttribute]?: ValueOfKind[(typeof kindOf)[Name]] | null }

/**
 * A patient as it is sent. Mapped optional attributes that are blank are null, which clears them. Attributes that are not mapped
 * are left out. A blank `plan` is left out, which unsubscribes.
 */
export interface Patient extends OptionalValues {
  readonly code: PatientCode
  readonly first_name: string
  readonly plan?: string
}

/** Reasons why a row is not a valid Patient. The list is closed, so that metrics and pages can be total over it. */
export const invalidReasons = [
  'missing',
  'not text',
  'too long',
  'not one of the allowed values',
  'not a date',
  'date out of range',
  'not in the value table',
  'not an object',
  'transform failed',
  'unsupported characters',
] as const
export type InvalidReason = (typeof invalidReasons)[number]

/** An attribute and what is wrong with it; never its value. */
export interface Invalid {
  readonly attribute: Attribute | 'transform'
  readonly reason: InvalidReason
}

/** Result of mapping a row. */
export type Mapped =
  | { readonly kind: 'patient'; readonly patient: Patient }
  | { readonly kind: 'invalid'; readonly code: PatientCode | null; readonly invalid: readonly Invalid[] }
  | { readonly kind: 'left out'; readonly code: PatientCode | null }
  | { readonly kind: 'incomplete'; readonly columns: readonly string[] }

export function patientCode(text: string): PatientCode {
  return text as PatientCode
}
