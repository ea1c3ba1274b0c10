import { z } from 'zod'

/** What the documentation and the example say about a setting. `fallback` is its default, as one would write it. */
export interface SettingDoc {
  readonly type: string
  readonly unit?: string
  readonly fallback: unknown
  readonly doc: string
  /** The environment variable that overrides it; for a secret also the one of that name and `_FILE`. */
  readonly variable?: string
  readonly secret?: boolean
  /** The example takes it from its variable. */
  readonly writtenAsVariable?: boolean
}

/** Every setting's documentation, by its schema. */
export const settingDocs = z.registry<SettingDoc>()

/** A setting: its check, its default and its documentation, together. */
export function setting<T extends z.ZodType>(check: T, doc: SettingDoc) {
  const schema = z.preprocess((written) => (written === undefined ? doc.fallback : written), check)
  settingDocs.add(schema, doc)
  return schema
}
