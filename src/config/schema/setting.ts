import { z } from 'zod'

/** Environment variable that overrides a setting. */
export interface SettingVariable {
  readonly name: string
  /** True for a secret: it can also come from a file, which the variable of this name with `_FILE` names. */
  readonly isSecret?: boolean
  /** True if the example takes the value from the variable. */
  readonly isInExample?: boolean
}

/** Documentation of a setting, also for the example. `fallback` is its default, as written. */
export interface SettingDoc {
  readonly type: string
  readonly unit?: string
  readonly fallback: unknown
  readonly doc: string
  readonly variable?: SettingVariable
}

/** Documentation of every setting, by its schema. */
export const settingDocs = z.registry<SettingDoc>()

/** Makes a setting from its check, its default and its documentation. */
export function setting<T extends z.ZodType>(check: T, doc: SettingDoc) {
  const schema = z.preprocess((written) => (written === undefined ? doc.fallback : written), check)
  settingDocs.add(schema, doc)
  return schema
}
