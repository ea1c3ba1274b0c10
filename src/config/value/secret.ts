import { inspect } from 'node:util'

const hidden = '[secret]'

/** A value that shows itself only to `reveal()`: neither to JSON, nor to inspection, nor as text. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself, for the one place that sends it. */
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
 * A secret and, if it came from a file, the way to read it again after the other side has refused it.
 * A file that cannot be read, or holds nothing usable, leaves the secret as it was.
 */
export class SecretSource {
  #current: Secret
  readonly #readFile: (() => string) | null

  /** `readFile` gives the file's checked content, or throws; null if the secret did not come from a file. */
  constructor(value: string, readFile: (() => string) | null = null) {
    this.#current = new Secret(value)
    this.#readFile = readFile
  }

  get current(): Secret {
    return this.#current
  }

  /** Reads the file again. `fixed`: there is no file, so only a restart can change it. */
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
