#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { CommanderError } from 'commander'
import { createProgram } from './cli/program.ts'
import { describeConnectionFailure } from './source/connection-failure.ts'
import { describeError } from './telemetry/logger.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

const stop = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    // The first asks for an orderly end, the second does not wait for it.
    if (stop.signal.aborted) process.exit(1)
    stop.abort()
  })
}

const program = createProgram(
  {
    version,
    env: process.env,
    cwd: process.cwd(),
    stop: stop.signal,
    print: (line) => void process.stdout.write(`${line}\n`),
    write: (text) => void process.stdout.write(text),
    isTerminal: process.stdout.isTTY === true,
  },
  (exitStatus) => {
    process.exitCode = exitStatus
  },
)
try {
  await program.parseAsync(process.argv)
} catch (error) {
  process.exitCode = exitStatusOf(error)
}

/** One clear sentence a problem, never a stack trace; a bug shows its name and message, which hold no value of a row. */
function exitStatusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof Error && 'exitStatus' in error && typeof error.exitStatus === 'number') {
    process.stderr.write(`${error.message}\n`)
    return error.exitStatus
  }
  const failure = describeConnectionFailure(error, 'PostgreSQL')
  if (failure.kind !== 'other') {
    process.stderr.write(`${failure.sentence}\n`)
    return 3
  }
  const { name, code, message } = describeError(error)
  process.stderr.write(`${[name, code].filter(Boolean).join(' ')}: ${message}\n`)
  return 1
}
