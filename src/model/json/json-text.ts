import { ExactNumber } from './exact-number.ts'

/** Prints a value of JSON like `JSON.stringify`, with the digits of each `ExactNumber`. */
export function jsonText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (value instanceof ExactNumber) return value.digits
  if (Array.isArray(value)) return `[${value.map((item: unknown) => jsonText(item)).join(',')}]`
  const properties = Object.entries(value).filter(([, item]) => item !== undefined)
  return `{${properties.map(([key, item]) => `${JSON.stringify(key)}:${jsonText(item)}`).join(',')}}`
}
