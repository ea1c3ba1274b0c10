import type { Output } from '../context.ts'

export interface Progress {
  readonly rows: number
  readonly changes: number
  readonly different: number
  readonly requests: number
}

/** Shows progress: on a terminal in one line that it overwrites, elsewhere in plain lines. */
export function progressReporter({ print, write, isTerminal }: Output) {
  let open = false
  const text = ({ rows, changes, different, requests }: Progress) =>
    `${rows} rows, ${changes} live changes, ${requests} requests, ${different} not yet equal`
  return {
    line(line: string): void {
      if (open) print('')
      open = false
      print(line)
    },
    progress(progress: Progress): void {
      if (!isTerminal) {
        print(text(progress))
        return
      }
      open = true
      write(`\r\u001b[2K${text(progress)}`)
    },
  }
}
