import { Argument, Command } from 'commander'
import type { z } from 'zod'
import { commandOptions, type OptionsOf } from './command-options.ts'
import { backfillCommand } from './connector/backfill.ts'
import { deadLetterActions, deadLetterHelp, deadLettersCommand } from './connector/dead-letters.ts'
import { runCommand } from './connector/run.ts'
import { statusCommand } from './connector/status.ts'
import { verifyCommand } from './connector/verify.ts'
import type { CliContext } from './context.ts'
import { adoptCommand } from './source/adopt.ts'
import { checkCommand } from './source/check.ts'
import { setupCommand } from './source/setup.ts'
import { teardownCommand } from './source/teardown.ts'
import { completionScript, shellOf, shells } from './terminal/completion.ts'
import { commanderOptions } from './terminal/option.ts'

const helpHint = '(run with --help for the options)'

/** A command with options. */
interface CommandSpec<Shape extends z.ZodRawShape> {
  readonly name: string
  readonly description: string
  readonly example: string
  readonly options: z.ZodObject<Shape>
  /** Options that exclude an option. */
  readonly conflicts?: Partial<Record<keyof Shape, readonly (keyof Shape & string)[]>>
  /** Returns what is wrong with the options together, or null. */
  readonly faultOf?: (options: z.output<z.ZodObject<Shape>>) => string | null
  /** Resolves with the exit status. */
  readonly action: (options: z.output<z.ZodObject<Shape>>) => Promise<number>
}

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
  const commandOf = <Shape extends z.ZodRawShape>(spec: CommandSpec<Shape>): Command => {
    const command = new Command(spec.name)
      .description(spec.description)
      .addHelpText('after', `\nExample:\n  ${spec.example}`)
      .exitOverride()
      .showHelpAfterError(helpHint)
    for (const option of commanderOptions(spec.options, spec.conflicts)) command.addOption(option)
    return command.action(async () => {
      const options = spec.options.parse(command.opts())
      const fault = spec.faultOf?.(options) ?? null
      if (fault !== null) command.error(`error: ${fault}`)
      done(await spec.action(options))
    })
  }
  const add = <Shape extends z.ZodRawShape>(spec: CommandSpec<Shape>, isDefault = false) =>
    program.addCommand(commandOf(spec), { isDefault })

  add(
    {
      name: 'run',
      description: 'check, migrate the state, then stream until told to stop (the default)',
      example: 'mediquo-cdc run --config config/mediquo-cdc.yaml',
      options: commandOptions.run,
      action: (options) => runCommand(context, options),
    },
    true,
  )
  add({
    name: 'init',
    description: 'propose a configuration for a database, and write it',
    example: 'mediquo-cdc init --url postgres://localhost/hospital --table public.patients',
    options: commandOptions.init,
    action: async (options) => (await import('./source/init.ts')).initCommand(context, options),
  })
  add({
    name: 'check',
    description: 'check every requirement on both ends',
    example: 'mediquo-cdc check --json',
    options: commandOptions.check,
    action: (options) => checkCommand(context, options),
  })
  add({
    name: 'setup',
    description: 'print the SQL that prepares the database',
    example: 'mediquo-cdc setup --apply',
    options: commandOptions.setup,
    action: (options) => setupCommand(context, options),
  })
  add({
    name: 'status',
    description: 'what the connector is doing',
    example: 'mediquo-cdc status',
    options: commandOptions.status,
    action: (options) => statusCommand(context, options),
  })
  add({
    name: 'backfill',
    description: 'read the table and send what mediQuo does not have',
    example: 'mediquo-cdc backfill --code H-1001 H-1002',
    options: commandOptions.backfill,
    action: (options) => backfillCommand(context, options),
  })
  const deadLetters = new Command('dead-letters')
    .description('rows that were rejected')
    .addHelpText('after', '\nExample:\n  mediquo-cdc dead-letters list')
    .exitOverride()
  for (const name of deadLetterActions) {
    deadLetters.addCommand(
      commandOf({
        name,
        description: deadLetterHelp[name],
        example: `mediquo-cdc dead-letters ${name} --code H-1001`,
        options: commandOptions.deadLetters,
        conflicts: { all: ['code'] },
        faultOf: (options) => (name === 'list' ? null : unnamedRows(options)),
        action: (options) => deadLettersCommand(context, name, options),
      }),
    )
  }
  program.addCommand(deadLetters)
  add({
    name: 'verify',
    description: 'compare rows with what mediQuo has of them (exit status 4: a difference)',
    example: 'mediquo-cdc verify --code H-1001 --repair',
    options: commandOptions.verify,
    conflicts: { sample: ['code', 'all'], code: ['all'] },
    action: (options) => verifyCommand(context, options),
  })
  add({
    name: 'adopt',
    description:
      'accept a database that is another than before (a restore, a clone, a recreated slot), and read it whole',
    example: 'mediquo-cdc adopt --json',
    options: commandOptions.adopt,
    action: (options) => adoptCommand(context, options),
  })
  add({
    name: 'teardown',
    description: 'drop the replication slot, the publication and the state, after showing them',
    example: 'mediquo-cdc teardown --yes',
    options: commandOptions.teardown,
    action: (options) => teardownCommand(context, options),
  })
  add({
    name: 'sandbox',
    description: 'a local stand-in for the mediQuo API',
    example: 'mediquo-cdc sandbox --port 8090',
    options: commandOptions.sandbox,
    action: async (options) => (await import('./demo/sandbox.ts')).sandboxCommand(context, options),
  })
  add({
    name: 'demo',
    description: 'an embedded PostgreSQL, the sandbox and a connector between them',
    example: 'mediquo-cdc demo --once',
    options: commandOptions.demo,
    action: async (options) => (await import('./demo/demo.ts')).demoCommand(context, options),
  })
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
      .action((shell: unknown) => {
        context.output.print(completionScript(program, shellOf(String(shell))))
        done(0)
      }),
  )
  return program
}

/** Requires that a command that changes rows names them. */
function unnamedRows({ code, all }: OptionsOf<'deadLetters'>): string | null {
  return code === undefined && !all ? "name the rows with '--code <codes...>' or '--all'" : null
}
