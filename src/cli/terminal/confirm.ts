import { confirm as ask, isCancel, select, text } from '@clack/prompts'

/** Asks on the terminal; no is what is proposed, and what leaving it means. */
export async function confirmOnTerminal(question: string): Promise<boolean> {
  const answer = await ask({ message: question, initialValue: false })
  return !isCancel(answer) && answer
}

/** Lets one of them be chosen; null if it was left. */
export async function chooseOnTerminal(question: string, choices: readonly string[]): Promise<string | null> {
  const answer = await select({ message: question, options: choices.map((value) => ({ value, label: value })) })
  return isCancel(answer) ? null : answer
}

/** Asks for a line of text; null if it was left. */
export async function askOnTerminal(question: string): Promise<string | null> {
  const answer = await text({ message: question })
  return isCancel(answer) ? null : answer
}
