import { stringify } from 'yaml'
import type { CliContext, Dialog } from '../../src/cli/context.ts'
import { createProgram } from '../../src/cli/program.ts'
import { workspace } from '../config/loading.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { shortIntervals } from '../support/short-intervals.ts'

export interface CommandRun {
  readonly status: number
  /** Output with lines of any length. */
  readonly text: string
  /** Output as it was printed, with lines that fit a terminal. */
  readonly printed: string
}

/** Runs a command in this process, with a configuration for the table `patients`, as an operator would next to a connector. */
export async function runCommand(
  args: readonly string[],
  {
    database,
    source = {},
    mapping,
  }: {
    readonly database: TestDatabase
    readonly source?: Readonly<Record<string, unknown>>
    readonly mapping?: Readonly<Record<string, unknown>> | undefined
  },
  env: Readonly<Record<string, string>> = {},
  confirm: Dialog['confirm'] | null = null,
): Promise<CommandRun> {
  const config = {
    source: { table: 'public.patients', slot: `slot_${database.name}`, ...source },
    ...(mapping && { mapping }),
  }
  using directory = workspace({ 'config/mediquo-cdc.yaml': stringify(config) })
  return await runProgram(args, { cwd: directory.cwd, env: { DATABASE_URL: database.url, ...env }, confirm })
}

/** Runs a command in this process, in a folder. */
export async function runProgram(
  args: readonly string[],
  { cwd, env, confirm = null }: Pick<CliContext, 'cwd' | 'env'> & { readonly confirm?: Dialog['confirm'] | null },
): Promise<CommandRun> {
  const lines: string[] = []
  let status = -1
  const program = createProgram(
    {
      version: '0.0.0',
      env,
      cwd,
      runtime: { stop: new AbortController().signal, intervals: shortIntervals },
      output: {
        print: (line) => void lines.push(line),
        write: (text) => void lines.push(text),
        isTerminal: false,
      },
      dialog: confirm && { confirm, choose: () => Promise.resolve(null), askText: () => Promise.resolve(null) },
    },
    (exitStatus) => {
      status = exitStatus
    },
  )
  await program.parseAsync(['node', 'mediquo-cdc', ...args])
  const printed = lines.join('\n')
  return { status, text: printed.replaceAll(/\n {9,}(?=\S)/g, ' '), printed }
}
