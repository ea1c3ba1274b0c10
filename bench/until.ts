import { setTimeout as sleep } from 'node:timers/promises'

/** Asks again and again until the answer is yes. @throws once it has taken longer than `withinMs`. */
export async function until(
  condition: () => Promise<boolean>,
  { everyMs, withinMs, what }: { readonly everyMs: number; readonly withinMs: number; readonly what: string },
): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs / 1000} s in vain for ${what}`)
    await sleep(everyMs)
  }
}
