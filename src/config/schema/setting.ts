import { z } from 'zod'

/** Documentation of a setting, also for the example. `fallback` is its default, as written. */
export interface SettingDoc {
  readonly type: string
  readonly unit?: string
  readonly fallback: unknown
  readonly doc: string
  /** Environment variable that overrides it. A secret can also come from the variable of that name with `_FILE`. */
  readonly variable?: string
  readonly secret?: boolean
  /** True if the example takes the value from the variable. */
  readonly writtenAsVariable?: boolean
}

/** Documentation of every setting, by its schema. */
export const settingDocs = z.registry<SettingDoc>()

/** Makes a setting from its check, its default and its documentation. */
export function setting<T extends z.ZodType>(check: T, doc: SettingDoc) {
  const schema = z.preprocess((written) => (written === undefined ? doc.fallback : written), check)
  settingDocs.add(schema, doc)
  return schema
}
