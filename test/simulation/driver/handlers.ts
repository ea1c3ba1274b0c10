import type { Effect } from '../../../src/pipeline/core/effects.ts'

type Kind = Effect['kind']

/** Effect of each kind. */
export type EffectOf = { readonly [K in Kind]: Extract<Effect, { kind: K }> }

/** Handlers that execute each effect: each changes the world, and leads to one event later. A missing handler does not compile. */
export type Handlers = { readonly [K in Kind]: (effect: EffectOf[K]) => void }

type Same<K extends Kind> = { [P in K]: { readonly kind: P } & EffectOf[P] }[K]

export function dispatch<K extends Kind>(handlers: Handlers, effect: Same<K>): void {
  const handler = handlers[effect.kind]
  handler(effect)
}
