import type { InvalidReason } from '../model/patient/patient.ts'
import { isSendable } from './sendable-text.ts'

/** Maximum depth: servers reject a whole request that is nested too deeply (PHP: 512), whatever else is in it. */
const deepest = 100

/** Returns a copy of a `meta` object that JSON can represent, or the reason why it cannot. */
export function plainObject(value: unknown): Readonly<Record<string, unknown>> | InvalidReason {
  if (!isObject(value)) return 'not an object'
  try {
    return copyObject(value, 1)
  } catch (error) {
    return error instanceof Refused ? error.reason : 'not an object'
  }
}

class Refused extends Error {
  readonly reason: InvalidReason

  constructor(reason: InvalidReason) {
    super(reason)
    this.reason = reason
  }
}

function copyObject(value: object, depth: number): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [sendable(key), copy(item, depth + 1)]))
}

function copy(value: unknown, depth: number): unknown {
  if (depth > deepest) throw new Refused('too long')
  if (typeof value === 'string') return sendable(value)
  if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return value
  if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1))
  if (isObject(value)) return copyObject(value, depth)
  throw new Refused('not an object')
}

function sendable(text: string): string {
  if (!isSendable(text)) throw new Refused('unsupported characters')
  return text
}

function isObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
