import { Argument, Command, Option } from 'commander'
import { backfillCommand } from './connector/backfill.ts'
import { deadLetterActions, deadLetterHelp, deadLettersCommand } from './connector/dead-letters.ts'
import { runCommand } from './connector/run.ts'
import { statusCommand } from './connector/status.ts'
import { sampleSize, verifyCommand } from './connector/verify.ts'
import type { CliContext } from './context.ts'
import { adoptCommand } from './source/adopt.ts'
import { checkCommand } from './source/check.ts'
import { setupCommand } from './source/setup.ts'
import { teardownCommand } from './source/teardown.ts'
import { completionScript, type Shell, shellOf, shells } from './terminal/completion.ts'

const helpHint = '(run with --help for the options)'

/**
 * Creates the command line. Each command's action resolves with the exit status. The sandbox and the demo are loaded only on request, so
 * that `run` starts without them.
 */
export function createProgram(context: CliContext, done: (exitStatus: number) => void): Command {
  const program = new Command('mediquo-cdc')
    .description("Keeps mediQuo's patients in step with one table of your PostgreSQL")
    .version(context.version)
    .exitOverride()
    .showHelpAfterError(helpHint)
  type Action = (options: Record<string, unknown>) => Promise<number>
  const acting = (command: Command, action: Action) =>
    command
      .exitOverride()
      .showHelpAfterError(helpHint)
      .action(async (options: Record<string, unknown>) => done(await action(options)))
  const add = (command: Command, action: Action, isDefault = false) =>
    program.addCommand(acting(command, action), { isDefault })
  const withConfig = (name: string, description: string, example: string) =>
    new Command(name)
      .description(description)
      .option('--config <file>', 'the configuration file')
      .addHelpText('after', `\nExample:\n  ${example}`)

  add(
    withConfig(
      'run',
      'check, migrate the state, then stream until told to stop (the default)',
      'mediquo-cdc run --config config/mediquo-cdc.yaml',
    ),
    (options) => runCommand(context, options),
    true,
  )
  add(
    new Command('init')
      .description('propose a configuration for a database, and write it')
      .option('--url <url>', 'where the database is; DATABASE_URL by default')
      .option('--table <table>', 'the table; by default the one that looks most like one of patients')
      .option('--output <file>', 'where to write it', 'config/mediquo-cdc.yaml')
      .option('--force', 'replace a file that is there')
      .option('--yes', 'do not ask')
      .option('--json', 'print the proposal as JSON')
      .addHelpText(
        'after',
        '\nExample:\n  mediquo-cdc init --url postgres://localhost/hospital --table public.patients',
      ),
    async (options) => (await import('./source/init.ts')).initCommand(context, options),
  )
  add(
    withConfig('check', 'check every requirement on both ends', 'mediquo-cdc check --json').option(
      '--json',
      'print the report as JSON',
    ),
    (options) => checkCommand(context, options),
  )
  add(
    withConfig('setup', 'print the SQL that prepares the database', 'mediquo-cdc setup --apply')
      .option('--role <name>', 'for a role of its own with the least rights')
      .option('--apply', 'run it')
      .option('--json', 'print it as JSON'),
    (options) => setupCommand(context, options),
  )
  add(
    withConfig('status', 'what the connector is doing', 'mediquo-cdc status').option('--json', 'print it as JSON'),
    (options) => statusCommand(context, options),
  )
  add(
    withConfig(
      'backfill',
      'read the table and send what mediQuo does not have',
      'mediquo-cdc backfill --code H-1001 H-1002',
    )
      .option('--code <codes...>', 'only the rows of these codes')
      .option('--json', 'print it as JSON, and do not wait'),
    (options) => backfillCommand(context, options),
  )
  const deadLetters = new Command('dead-letters')
    .description('rows that were rejected')
    .addHelpText('after', '\nExample:\n  mediquo-cdc dead-letters list')
    .exitOverride()
  for (const name of deadLetterActions) {
    const command = withConfig(name, deadLetterHelp[name], `mediquo-cdc dead-letters ${name} --code H-1001`)
      .option('--code <codes...>', 'only these codes, or keys as the list shows them for rows without a code')
      .addOption(new Option('--all', 'all of them').conflicts('code'))
      .option('--json', 'print it as JSON')
    if (name !== 'list') command.hook('preAction', namesRows)
    deadLetters.addCommand(acting(command, (options) => deadLettersCommand(context, name, options)))
  }
  program.addCommand(deadLetters)
  add(
    withConfig(
      'verify',
      'compare rows with what mediQuo has of them (exit status 4: a difference)',
      'mediquo-cdc verify --code H-1001 --repair',
    )
      .addOption(
        new Option('--sample <rows>', 'so many rows at random')
          .argParser(sampleSize)
          .default(100)
          .conflicts(['code', 'all']),
      )
      .addOption(new Option('--code <codes...>', 'the rows of these codes').conflicts('all'))
      .option('--all', 'every row of the table')
      .option('--repair', 'ask for the rows that differ to be sent again')
      .option('--json', 'print the report as JSON'),
    (options) => verifyCommand(context, options),
  )
  add(
    withConfig(
      'adopt',
      'accept a database that is another than before (a restore, a clone, a recreated slot), and read it whole',
      'mediquo-cdc adopt --json',
    ).option('--json', 'print the report as JSON'),
    (options) => adoptCommand(context, options),
  )
  add(
    withConfig(
      'teardown',
      'drop the replication slot, the publication and the state, after showing them',
      'mediquo-cdc teardown --yes',
    )
      .option('--yes', 'do not ask')
      .option('--json', 'print the report as JSON'),
    (options) => teardownCommand(context, options),
  )
  add(
    new Command('sandbox')
      .description('a local stand-in for the mediQuo API')
      .option('--port <port>', 'port to listen on', '8090')
      .option('--host <host>', 'address to listen on', '127.0.0.1')
      .option('--record-patients', 'keep what was sent, for GET /__sandbox/requests')
      .addHelpText('after', '\nExample:\n  mediquo-cdc sandbox --port 8090'),
    async (options) => (await import('./demo/sandbox.ts')).sandboxCommand(context, options),
  )
  add(
    new Command('demo')
      .description('an embedded PostgreSQL, the sandbox and a connector between them')
      .option('--once', 'end by itself: exit status 0 only if both ends are equal')
      .addHelpText('after', '\nExample:\n  mediquo-cdc demo --once'),
    async (options) => (await import('./demo/demo.ts')).demoCommand(context, options),
  )
  program.hook('preSubcommand', (_, subcommand) => {
    const [first] = program.args
    // Without this, a misspelt command would be taken for an argument of the default command.
    if (first !== undefined && !first.startsWith('-') && first !== subcommand.name()) {
      program.error(`error: unknown command '${first}'`, { code: 'commander.unknownCommand' })
    }
  })
  program.addCommand(
    new Command('completion')
      .description('print a script that completes commands and options in your shell')
      .addArgument(new Argument('<shell>', shells.join(', ')).argParser(shellOf))
      .addHelpText('after', '\nExample:\n  source <(mediquo-cdc completion bash)')
      .exitOverride()
      .action((shell: Shell) => {
        context.print(completionScript(program, shell))
        done(0)
      }),
  )
  return program
}

/** Requires that a command that changes rows names them. */
function namesRows(command: Command): void {
  const { code, all } = command.opts()
  if (code === undefined && all !== true) command.error("error: name the rows with '--code <codes...>' or '--all'")
}
