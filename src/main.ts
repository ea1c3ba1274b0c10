#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { styleText } from 'node:util'
import { explainFailure } from './cli/explain-failure.ts'
import { createProgram } from './cli/program.ts'
import { askOnTerminal, chooseOnTerminal, confirmOnTerminal } from './cli/terminal/confirm.ts'
import type { Meaning } from './cli/terminal/paint.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

const stop = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    // The first signal stops in order, the second immediately.
    if (stop.signal.aborted) process.exit(1)
    stop.abort()
  })
}

const colours = { good: 'green', doubtful: 'yellow', bad: 'red' } as const satisfies Record<Meaning, string>
const isAsked = process.stdin.isTTY === true && process.stdout.isTTY === true
const program = createProgram(
  {
    version,
    env: process.env,
    cwd: process.cwd(),
    runtime: { stop: stop.signal },
    output: {
      print: (line) => void process.stdout.write(`${line}\n`),
      write: (text) => void process.stdout.write(text),
      isTerminal: process.stdout.isTTY === true,
      // Colours only where the terminal shows them. NO_COLOR and FORCE_COLOR are respected.
      paint: (meaning, text) => styleText(colours[meaning], text, { stream: process.stdout }),
    },
    dialog: isAsked ? { confirm: confirmOnTerminal, choose: chooseOnTerminal, askText: askOnTerminal } : null,
  },
  (exitStatus) => {
    process.exitCode = exitStatus
  },
)
try {
  await program.parseAsync(process.argv)
} catch (error) {
  const { status, message } = explainFailure(error)
  if (message !== null) process.stderr.write(`${message}\n`)
  process.exitCode = status
}
// A dead connection would keep the process alive until TCP gives up.
setTimeout(() => process.exit(), 5_000).unref()
