import type { Attribute } from './patient.ts'

/**
 * Source of one attribute. A constant of null says in so many words that no patient has the attribute. `at` names the configuration's
 * file and line, for messages only.
 */
export type AttributeSource =
  | {
      readonly kind: 'columns'
      readonly columns: readonly string[]
      readonly separator: string
      readonly values: Readonly<Record<string, string | null>> | null
      readonly format: string | null
      readonly fallback: string | null
      readonly at: string | null
    }
  | { readonly kind: 'constant'; readonly value: string | null; readonly at: string | null }

/** The attributes that are mapped, as configured. */
export type Mapping = Readonly<Partial<Record<Attribute, AttributeSource>>>

/** Returns the source of an attribute that is one column without conversion. */
export function fromColumn(column: string): AttributeSource {
  return { kind: 'columns', columns: [column], separator: ' ', values: null, format: null, fallback: null, at: null }
}
