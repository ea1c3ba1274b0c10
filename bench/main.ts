import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { backfill } from './backfill.ts'
import { backlog } from './backlog.ts'
import { catchUp } from './catch-up.ts'
import type { Benchmark } from './figures.ts'
import { idle } from './idle.ts'
import { loneChange } from './lone-change.ts'
import { massDelete } from './mass-delete.ts'
import { memory } from './memory.ts'
import { memoryBackfill } from './memory-backfill.ts'
import { naive } from './naive.ts'
import { outage } from './outage.ts'
import { recordPerformance } from './performance-document.ts'
import { atRates } from './rates.ts'
import { requests } from './requests.ts'
import { saturation } from './saturation.ts'
import { shutdown } from './shutdown.ts'
import { unmapped } from './unmapped.ts'
import { versions } from './versions.ts'
import { wide } from './wide.ts'

const benchmarks: Readonly<Record<string, Benchmark>> = {
  'catch-up': catchUp,
  'lone-change': loneChange,
  rates: atRates,
  requests,
  unmapped,
  idle,
  backfill,
  memory,
  'memory-backfill': memoryBackfill,
  backlog,
  wide,
  'mass-delete': massDelete,
  saturation,
  outage,
  shutdown,
  naive,
  versions,
}

const given = process.argv.slice(2).filter((argument) => argument !== '--write')
const writes = process.argv.includes('--write')
const names = given.length > 0 ? given : Object.keys(benchmarks)
const unknown = names.filter((name) => !(name in benchmarks))
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are: ${Object.keys(benchmarks).join(', ')}`)
  process.exit(2)
}

if (process.env.BENCH_DIST === undefined)
  await promisify(execFile)('npm', ['run', 'build'], { cwd: fileURLToPath(new URL('..', import.meta.url)) })
for (const name of names) {
  console.log(`\n${name}`)
  const lines: string[] = []
  const print = (line: string) => {
    lines.push(line)
    console.log(`  ${line}`)
  }
  const expect = (isKept: boolean, promise: string) => {
    if (isKept) return
    process.exitCode = 1
    print(`FAILED: ${promise}`)
  }
  try {
    await benchmarks[name]?.(print, expect)
  } catch (error) {
    expect(false, error instanceof Error ? error.message : String(error))
  }
  if (writes) await recordPerformance(name, lines, Object.keys(benchmarks))
}
