import { confirm as ask, isCancel, select, text } from '@clack/prompts'

/** Asks on the terminal. The default, and the answer on cancel, is no. */
export async function confirmOnTerminal(question: string): Promise<boolean> {
  const answer = await ask({ message: question, initialValue: false })
  return !isCancel(answer) && answer
}

/** Lets the user choose one; null on cancel. */
export async function chooseOnTerminal(question: string, choices: readonly string[]): Promise<string | null> {
  const answer = await select({ message: question, options: choices.map((value) => ({ value, label: value })) })
  return isCancel(answer) ? null : answer
}

/** Asks for a line of text; null on cancel. */
export async function askOnTerminal(question: string): Promise<string | null> {
  const answer = await text({ message: question })
  return isCancel(answer) ? null : answer
}
