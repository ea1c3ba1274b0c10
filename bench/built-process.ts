import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('..', import.meta.url))

/** Folder of the build that the benchmarks start: `BENCH_DIST`, or that of this revision. */
const dist = resolve(process.env.BENCH_DIST ?? fileURLToPath(new URL('../dist', import.meta.url)))

/** Running process of the built program. */
export interface BuiltProcess extends AsyncDisposable {
  readonly pid: number
  /** Lines that it wrote, the oldest first. */
  readonly lines: readonly string[]
  /** Asserts that the process is running. @throws {Error} if it has ended, with its exit status or signal and its last lines. */
  assertRunning(): void
  /** Resolves with the first non-null result for a line, including lines already written. @throws if the process ends without one. */
  line<T>(find: (line: string) => T | null): Promise<T>
  /** Sends SIGKILL. */
  kill(): Promise<void>
  /** Asks the process to end in order, and waits for that. */
  stop(): Promise<void>
}

/** Starts `node main.js` of a build with these arguments, and an environment without variables of this project. */
export function startBuilt(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly dist?: string } = {},
): BuiltProcess {
  return startProcess([join(options.dist ?? dist, 'main.js'), ...args], options.env ?? {})
}

/** Starts Node with these arguments, in the same way. */
export function startProcess(args: readonly string[], env: Readonly<Record<string, string>>): BuiltProcess {
  const child = spawn(process.execPath, args, {
    cwd: repository,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const watchers = new Set<() => void>()
  const ended = once(child, 'close')
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      for (const watch of [...watchers]) watch()
    })
  }
  const kill = () => void child.kill('SIGKILL')
  const assertRunning = () => {
    if (child.exitCode === null && child.signalCode === null) return
    const reason = child.signalCode ?? `exit status ${child.exitCode}`
    throw new Error(`the process ended (${reason}):\n${lines.slice(-5).join('\n')}`)
  }
  process.once('exit', kill)

  const stop = async () => {
    process.off('exit', kill)
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await ended
  }
  return {
    pid: child.pid ?? 0,
    lines,
    assertRunning,
    stop,
    async kill() {
      kill()
      await ended
    },
    [Symbol.asyncDispose]: stop,
    async line(find) {
      let seen = 0
      const lookAgain = () => {
        for (; seen < lines.length; seen++) {
          const found = find(lines[seen] ?? '')
          if (found !== null) return found
        }
        return null
      }
      return await new Promise((resolve, reject) => {
        const watch = () => {
          const found = lookAgain()
          if (found === null) return
          watchers.delete(watch)
          resolve(found)
        }
        watchers.add(watch)
        watch()
        void ended.then(() => reject(new Error(`${args.join(' ')} ended early:\n${lines.slice(-5).join('\n')}`)))
      })
    },
  }
}
