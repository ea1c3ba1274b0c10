import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../../dist/main.js', import.meta.url))
const linesKept = 40

/** Messages of the log that show a test the progress of the process. */
export type Landmark = 'streaming' | 'batch accepted'

/** Process of `dist/main.js run`, with its log. */
export interface ConnectorProcess {
  /** Resolves once the process has logged the message. @throws if the process ends before. */
  reached(landmark: Landmark): Promise<void>
  /** Sends SIGKILL: the process drains, settles and stores nothing. Resolves once the process is gone. */
  kill(): Promise<void>
  /** Sends SIGTERM: the process drains. Resolves with the exit status. */
  stop(): Promise<number | null>
  /** Last lines of its log, for the message of a failure. */
  readonly lastLines: readonly string[]
}

export function startProcess(
  configPath: string,
  env: Readonly<Record<string, string>>,
  onLine: (line: string) => void = () => undefined,
): ConnectorProcess {
  const child: ChildProcessByStdio<null, null, Readable> = spawn(
    process.execPath,
    ['--enable-source-maps', main, 'run', '--config', configPath],
    { env: { PATH: process.env.PATH ?? '', ...env }, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const exited = once(child, 'exit')
  const lines: string[] = []
  const seen = new Set<Landmark>()
  const waiters = new Set<() => void>()
  const log = createInterface(child.stderr)
  log.on('line', (line) => {
    onLine(line)
    lines.push(line)
    if (lines.length > linesKept) lines.shift()
    const landmark = landmarkOf(line)
    if (landmark === null || seen.has(landmark)) return
    seen.add(landmark)
    for (const waiter of waiters) waiter()
  })
  let over = false
  log.on('close', () => {
    over = true
    for (const waiter of waiters) waiter()
  })
  return {
    async reached(landmark) {
      while (!seen.has(landmark)) {
        if (over) throw new Error(`the process ended before "${landmark}":\n${lines.join('\n')}`)
        await new Promise<void>((resolve) => {
          const waiter = () => {
            waiters.delete(waiter)
            resolve()
          }
          waiters.add(waiter)
        })
      }
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
    async stop() {
      child.kill('SIGTERM')
      await exited
      return child.exitCode
    },
    lastLines: lines,
  }
}

function landmarkOf(line: string): Landmark | null {
  if (line.includes('"state":"streaming"')) return 'streaming'
  return line.includes('"batch accepted"') ? 'batch accepted' : null
}
