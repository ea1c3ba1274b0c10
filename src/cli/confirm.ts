import { confirm as ask, isCancel } from '@clack/prompts'

/** Asks on the terminal; no is what is proposed, and what leaving it means. */
export async function confirmOnTerminal(question: string): Promise<boolean> {
  const answer = await ask({ message: question, initialValue: false })
  return !isCancel(answer) && answer
}
