import { setTimeout as sleep } from 'node:timers/promises'

/** Repeats a question until the answer is true. @throws once it has taken longer than `withinMs`. */
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
