import type { Effect } from '../../../src/pipeline/core/effects.ts'

type Kind = Effect['kind']

/** Each effect by its kind. */
export type EffectOf = { readonly [K in Kind]: Extract<Effect, { kind: K }> }

/** What a driver does with each effect: one thing with the world, and one event later. Total: a new effect does not compile without. */
export type Handlers = { readonly [K in Kind]: (effect: EffectOf[K]) => void }

type Same<K extends Kind> = { [P in K]: { readonly kind: P } & EffectOf[P] }[K]

export function dispatch<K extends Kind>(handlers: Handlers, effect: Same<K>): void {
  const handler = handlers[effect.kind]
  handler(effect)
}
