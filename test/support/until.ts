import { setTimeout as delay } from 'node:timers/promises'

const everyMs = 25

/** Descriptions of what runs in this process: they explain a state that is not reached. */
export const running = new Set<() => string>()

/**
 * Repeats a probe until its answer is truthy, and returns the answer. Tests wait for a state only in this way. A probe that throws counts
 * as not yet. @throws {Error} after the deadline, with the last error of the probe as its cause.
 */
export async function until<T>(
  probe: () => T | Promise<T>,
  { deadlineMs = 60_000 }: { readonly deadlineMs?: number } = {},
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
      const told = [...running].map((describe) => describe())
      throw new Error([`not so after ${deadlineMs} ms: ${probe}`, ...told].join('\n'), { cause: last })
    }
    await delay(everyMs)
  }
}

function isTruthy<T>(answer: T): answer is Exclude<T, null | undefined | false | 0 | ''> {
  return Boolean(answer)
}
