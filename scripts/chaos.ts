import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'

// npm run chaos -- --minutes N --seed S: a real database, sandbox and connector, to which everything happens for so long.
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '2' }, seed: { type: 'string' } } })
const isNumber = (text: string) => Number.isFinite(Number(text)) && Number(text) > 0
if (!isNumber(values.minutes) || (values.seed !== undefined && !isNumber(values.seed))) {
  console.error('usage: npm run chaos -- --minutes N [--seed S]')
  process.exit(2)
}
const child = spawn(
  'npx',
  ['vitest', 'run', '--project', 'pg', 'test/chaos/chaos.pg.test.ts', '--disable-console-intercept'],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      CHAOS_MINUTES: values.minutes,
      ...(values.seed !== undefined && { CHAOS_SEED: values.seed }),
    },
  },
)
child.on('exit', (status) => {
  process.exitCode = status ?? 1
})
