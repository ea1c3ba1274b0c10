import { Choices } from '../world/choices.ts'
import { type Options, type Outcome, simulate } from './simulate.ts'

/** Removes as many steps of a run as possible while the same promise breaks. @returns the shortest run, with its trace. */
export function shrink(found: Outcome, options: Options): Outcome {
  const promise = promiseOf(found)
  let steps = found.steps
  const breaksIt = (fewer: readonly number[]): boolean => promiseOf(simulate(Choices.again(fewer), options)) === promise
  for (let size = Math.ceil(steps.length / 2); size >= 1; ) {
    const before = steps.length
    for (let at = steps.length - size; at >= fixedSteps; at -= size) {
      const fewer = [...steps.slice(0, at), ...steps.slice(at + size)]
      if (breaksIt(fewer)) steps = fewer
    }
    if (size > 1 || steps.length === before) size = Math.floor(size / 2)
  }
  return simulate(Choices.again(steps), { ...options, traced: true })
}

/** Number of steps that draw the world. */
const fixedSteps = 2

/** Returns the broken promise: C1, C2, C3, LIVENESS and so on, or error. */
export function promiseOf({ wrong }: Pick<Outcome, 'wrong'>): string | null {
  return wrong?.split(':')[0] ?? null
}
