/** Something wrong with the configuration: never with a value in it. */
export interface Problem {
  /** The environment variable to blame, or null: the file. */
  readonly variable: string | null
  readonly line: number | null
  readonly key: string
  readonly fault: string
}

/** What a key looks like, and what a table of values may be asked for. */
const likeKey = /^(?:[A-Za-z][A-Za-z_]{0,30}|\d{1,3})$/

/**
 * A key's path as one writes it: `mediquo.requiredAttributes[2]`. A key is in it only if it looks like one: what was put in a
 * key's place may be a secret.
 */
export function keyText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    const name = likeKey.test(String(part)) ? String(part) : '…'
    return text === '' ? name : `${text}.${name}`
  }, '')
}

/** `config/mediquo-cdc.yaml:12: mediquo.batchSize: must be between 1 and 100`. */
export function problemText({ variable, line, key, fault }: Problem, file: string | null): string {
  if (variable !== null) return `environment variable ${variable}: ${fault}`
  const place = file === null ? 'configuration' : line === null ? file : `${file}:${line}`
  return key === '' ? `${place}: ${fault}` : `${place}: ${key}: ${fault}`
}
