import type { Paint } from './terminal/paint.ts'

/** Resources of the process that a command may use. */
export interface CliContext {
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Aborts on SIGTERM or SIGINT: stop in order. */
  readonly stop: AbortSignal
  /** Prints results; logs go to standard error. */
  readonly print: (line: string) => void
  /** Writes text as it is, for a line that is overwritten on a terminal. */
  readonly write: (text: string) => void
  readonly isTerminal: boolean
  /** Colours for standard output; absent: none. */
  readonly paint?: Paint
  /** Asks yes or no on the terminal; null without a terminal. */
  readonly confirm: ((question: string) => Promise<boolean>) | null
  /** Lets the user choose one, or asks for a line, likewise; null without a terminal. */
  readonly choose: ((question: string, choices: readonly string[]) => Promise<string | null>) | null
  readonly askText: ((question: string) => Promise<string | null>) | null
}
