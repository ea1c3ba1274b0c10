import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

// npm run chaos -- --minutes N --seed S [--traces FOLDER]: runs a real database, the sandbox and a connector under random faults for that
// time. Then replays the trace of each process. FOLDER keeps the traces.
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '2' }, seed: { type: 'string' }, traces: { type: 'string' } },
})
const isNumber = (text: string) => Number.isFinite(Number(text)) && Number(text) > 0
if (!isNumber(values.minutes) || (values.seed !== undefined && !isNumber(values.seed))) {
  console.error('usage: npm run chaos -- --minutes N [--seed S] [--traces FOLDER]')
  process.exit(2)
}
const traces = values.traces === undefined ? null : resolve(values.traces)
if (traces !== null) mkdirSync(traces, { recursive: true })
const child = spawn(
  'npx',
  ['vitest', 'run', '--project', 'pg', 'test/chaos/chaos.pg.test.ts', '--disable-console-intercept'],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      CHAOS_MINUTES: values.minutes,
      ...(values.seed !== undefined && { CHAOS_SEED: values.seed }),
      ...(traces !== null && { CHAOS_TRACES: traces }),
    },
  },
)
child.on('exit', (status) => {
  process.exitCode = status ?? 1
})
