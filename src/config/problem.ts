/** Problem of the configuration, without any value. */
export interface Problem {
  /** Environment variable that causes it; null: the file. */
  readonly variable: string | null
  readonly line: number | null
  readonly key: string
  readonly fault: string
}

/** Form of an ordinary key, including those of a value table. */
const likeKey = /^(?:[A-Za-z][A-Za-z_]{0,30}|\d{1,3})$/

/**
 * Returns a key's path in the usual notation: `mediquo.requiredAttributes[2]`. It replaces keys of an unusual form: they are possibly a
 * secret in the wrong place.
 */
export function keyText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    const name = likeKey.test(String(part)) ? String(part) : '…'
    return text === '' ? name : `${text}.${name}`
  }, '')
}

/** Returns a line such as `config/mediquo-cdc.yaml:12: mediquo.batchSize: must be between 1 and 100`. */
export function problemText({ variable, line, key, fault }: Problem, file: string | null): string {
  if (variable !== null) return `environment variable ${variable}: ${fault}`
  const place = file === null ? 'configuration' : line === null ? file : `${file}:${line}`
  return key === '' ? `${place}: ${fault}` : `${place}: ${key}: ${fault}`
}
