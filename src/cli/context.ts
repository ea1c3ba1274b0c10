import type { Paint } from './terminal/paint.ts'

/** What a command may use of the process it runs in. */
export interface CliContext {
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** SIGTERM or SIGINT: end in order. */
  readonly stop: AbortSignal
  /** Results; logs go to standard error. */
  readonly print: (line: string) => void
  /** Text as it is, for a line that is written over on a terminal. */
  readonly write: (text: string) => void
  readonly isTerminal: boolean
  /** Colours for standard output; left out: none. */
  readonly paint?: Paint
  /** Asks yes or no on the terminal; null if there is none. */
  readonly confirm: ((question: string) => Promise<boolean>) | null
  /** Lets one of several be chosen, or asks for a line, in the same way; null for neither. */
  readonly choose: ((question: string, choices: readonly string[]) => Promise<string | null>) | null
  readonly askText: ((question: string) => Promise<string | null>) | null
}

/** An option's text, or undefined. */
export function textOption(options: Record<string, unknown>, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}
