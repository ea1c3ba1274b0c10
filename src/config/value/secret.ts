import { inspect } from 'node:util'

const hidden = '[secret]'

/** Value that only `reveal()` returns: JSON, inspection and string conversion hide it. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** Returns the value, for the one place that sends it. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return hidden
  }

  toJSON(): string {
    return hidden
  }

  [inspect.custom](): string {
    return hidden
  }
}

/**
 * Secret and, if it came from a file, the way to read it again after the other side has rejected it. A file that cannot be read, or has no
 * usable content, leaves the secret unchanged.
 */
export class SecretSource {
  #current: Secret
  readonly #readFile: (() => string) | null

  /** @param readFile returns the file's checked content, or throws; null if the secret did not come from a file. */
  constructor(value: string, readFile: (() => string) | null = null) {
    this.#current = new Secret(value)
    this.#readFile = readFile
  }

  get current(): Secret {
    return this.#current
  }

  /** Reads the file again. `fixed`: there is no file, so that only a restart can change the secret. */
  reread(): 'changed' | 'unchanged' | 'unreadable' | 'fixed' {
    if (this.#readFile === null) return 'fixed'
    let value: string
    try {
      value = this.#readFile()
    } catch {
      return 'unreadable'
    }
    if (value === this.#current.reveal()) return 'unchanged'
    this.#current = new Secret(value)
    return 'changed'
  }

  toJSON(): string {
    return hidden
  }

  [inspect.custom](): string {
    return hidden
  }
}
