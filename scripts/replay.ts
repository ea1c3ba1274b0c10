import { readFileSync } from 'node:fs'
import { ConnectorError } from '../src/model/failure/connector-error.ts'
import { createCore } from '../src/pipeline/core/core.ts'
import { replayTrace } from '../src/pipeline/trace.ts'

// npm run replay FILE: hands the events of a trace to a new core. Exit status 1 if the effects of the core differ from the recorded ones.

const [file] = process.argv.slice(2)
if (file === undefined) {
  console.error('usage: npm run replay FILE')
  process.exit(2)
}

try {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  const { lines: replayed, difference } = replayTrace(lines, createCore)
  if (difference) {
    console.log(`line ${difference.line}: the core wants something else`)
    console.log(`recorded: ${difference.recorded}`)
    console.log(`replayed: ${difference.replayed}`)
    process.exitCode = 1
  } else console.log(`${replayed} lines replayed, the same effects`)
} catch (error) {
  if (!(error instanceof ConnectorError)) throw error
  console.error(`${file}: ${error.message}`)
  process.exitCode = 2
}
