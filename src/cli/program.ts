import { Command, Option } from 'commander'
import { adoptCommand } from './adopt.ts'
import { backfillCommand } from './backfill.ts'
import { checkCommand } from './check.ts'
import type { CliContext } from './context.ts'
import { demoCommand } from './demo.ts'
import { runCommand } from './run.ts'
import { sandboxCommand } from './sandbox.ts'
import { setupCommand } from './setup.ts'
import { statusCommand } from './status.ts'
import { sampleSize, verifyCommand } from './verify.ts'

/** The command line. Each command's action resolves with the exit status. */
export function createProgram(context: CliContext, done: (exitStatus: number) => void): Command {
  const program = new Command('mediquo-cdc')
    .description("Keeps mediQuo's patients in step with one table of your PostgreSQL")
    .version(context.version)
    .exitOverride()
    .showHelpAfterError('(run with --help for the options)')
  const add = (command: Command, action: (options: Record<string, unknown>) => Promise<number>, isDefault = false) =>
    program.addCommand(
      command.exitOverride().action(async (options: Record<string, unknown>) => done(await action(options))),
      { isDefault },
    )
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
    withConfig('check', 'check every requirement on both ends', 'mediquo-cdc check --json').option(
      '--json',
      'print the report as JSON',
    ),
    (options) => checkCommand(context, options),
  )
  add(
    withConfig('setup', 'print the SQL that prepares the database', 'mediquo-cdc setup --apply')
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
      'accept a database that is another than before (a restore, a clone, a slot made anew), and read it whole',
      'mediquo-cdc adopt --json',
    ).option('--json', 'print the report as JSON'),
    (options) => adoptCommand(context, options),
  )
  add(
    new Command('sandbox')
      .description('a local stand-in for the mediQuo API')
      .option('--port <port>', 'port to listen on', '8090')
      .option('--host <host>', 'address to listen on', '127.0.0.1')
      .option('--record-patients', 'keep what was sent, for GET /__sandbox/requests')
      .addHelpText('after', '\nExample:\n  mediquo-cdc sandbox --port 8090'),
    (options) => sandboxCommand(context, options),
  )
  add(
    new Command('demo')
      .description('an embedded PostgreSQL, the sandbox and a connector between them')
      .option('--once', 'end by itself: exit status 0 only if both ends are equal')
      .addHelpText('after', '\nExample:\n  mediquo-cdc demo --once'),
    (options) => demoCommand(context, options),
  )
  program.hook('preSubcommand', (_, subcommand) => {
    const [first] = program.args
    // Without this a misspelt command would be taken for an argument of the default one.
    if (first !== undefined && !first.startsWith('-') && first !== subcommand.name()) {
      program.error(`error: unknown command '${first}'`, { code: 'commander.unknownCommand' })
    }
  })
  return program
}
