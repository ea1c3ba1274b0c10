/** Something wrong with the configuration: never with a value in it. */
export interface Problem {
  /** The environment variable to blame, or null: the file. */
  readonly variable: string | null
  readonly line: number | null
  readonly key: string
  readonly fault: string
}

/** A key's path as one writes it: `mediquo.requiredAttributes[2]`. */
export function keyText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? String(part) : `${text}.${String(part)}`
  }, '')
}

/** `config/mediquo-cdc.yaml:12: mediquo.batchSize: must be between 1 and 100`. */
export function problemText({ variable, line, key, fault }: Problem, file: string | null): string {
  if (variable !== null) return `environment variable ${variable}: ${fault}`
  const place = file === null ? 'configuration' : line === null ? file : `${file}:${line}`
  return key === '' ? `${place}: ${fault}` : `${place}: ${key}: ${fault}`
}
