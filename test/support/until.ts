import { setTimeout as delay } from 'node:timers/promises'

const everyMs = 25

/**
 * Asks again and again until the answer is truthy, and gives it back: the one way in which a test waits for a state. A probe
 * that throws counts as not yet. @throws {Error} once the deadline has passed, with what the last probe threw as its cause.
 */
export async function until<T>(
  probe: () => T | Promise<T>,
  { deadlineMs = 20_000 }: { readonly deadlineMs?: number } = {},
): Promise<Exclude<T, null | undefined | false | 0 | ''>> {
  const deadline = performance.now() + deadlineMs
  let last: unknown
  for (;;) {
    try {
      const answer = await probe()
      if (isTruthy(answer)) return answer
      last = undefined
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) {
      throw new Error(`not so after ${deadlineMs} ms: ${probe}`, { cause: last })
    }
    await delay(everyMs)
  }
}

function isTruthy<T>(answer: T): answer is Exclude<T, null | undefined | false | 0 | ''> {
  return Boolean(answer)
}
