import type { Intervals } from '../model/intervals.ts'
import type { Paint } from './terminal/paint.ts'

/** Output of a command, on standard output. Logs go to standard error. */
export interface Output {
  /** Prints a line of the result. */
  readonly print: (line: string) => void
  /** Writes text as it is, for a line that is overwritten on a terminal. */
  readonly write: (text: string) => void
  readonly isTerminal: boolean
  /** Colours; absent: none. */
  readonly paint?: Paint
}

/** Questions to the user on a terminal. */
export interface Dialog {
  /** Asks yes or no. */
  readonly confirm: (question: string) => Promise<boolean>
  /** Lets the user choose one; null on cancel. */
  readonly choose: (question: string, choices: readonly string[]) => Promise<string | null>
  /** Asks for a line of text; null on cancel. */
  readonly askText: (question: string) => Promise<string | null>
}

/** Resources of the process that a command may use. */
export interface CliContext {
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly runtime: {
    /** Aborts on SIGTERM or SIGINT: stop in order. */
    readonly stop: AbortSignal
    /** Intervals that replace the defaults. */
    readonly intervals?: Partial<Intervals>
  }
  readonly output: Output
  /** Null without a terminal. */
  readonly dialog: Dialog | null
}
