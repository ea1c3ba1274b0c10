import { ExactNumber } from '../model/json/exact-number.ts'
import type { InvalidReason } from '../model/patient/patient.ts'
import { isSendable } from './text.ts'

/** Maximum depth: servers reject a whole request that is nested too deeply (PHP: 512), whatever else is in it. */
const deepest = 100

/** Returns a copy of a `meta` object that JSON can represent, or the reason why it cannot. */
export function plainObject(value: unknown): Readonly<Record<string, unknown>> | InvalidReason {
  if (!isPlainObject(value)) return 'not an object'
  const copier = new Copier()
  try {
    const copied = copier.object(value, 1)
    return copier.refusal ?? copied
  } catch {
    return copier.refusal ?? 'not an object'
  }
}

/** Copies values until the first that cannot be sent; a value may contain itself. */
class Copier {
  /** Reason why a value cannot be sent; null if all can be sent so far. */
  refusal: InvalidReason | null = null

  object(value: object, depth: number): Readonly<Record<string, unknown>> {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [this.#text(key), this.#copy(item, depth + 1)]),
    )
  }

  #copy(value: unknown, depth: number): unknown {
    if (this.refusal !== null) return null
    if (depth > deepest) return this.#refuse('too long')
    if (typeof value === 'string') return this.#text(value)
    if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return value
    if (value instanceof ExactNumber) return value
    if (Array.isArray(value)) return value.map((item) => this.#copy(item, depth + 1))
    if (isPlainObject(value)) return this.object(value, depth)
    return this.#refuse('not an object')
  }

  #text(text: string): string {
    if (!isSendable(text)) this.#refuse('unsupported characters')
    return text
  }

  /** Stores the first reason. */
  #refuse(reason: InvalidReason): null {
    this.refusal ??= reason
    return null
  }
}

/** Returns true for an object as `JSON.parse` makes it: neither a list nor an instance of a class. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
