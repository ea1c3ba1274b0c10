import type { z } from 'zod'
import { flag, optionTable, rowCount, text, textOr, texts } from './terminal/option.ts'

export const defaultOutput = 'config/mediquo-cdc.yaml'

const config = text('<file>', 'the configuration file')

/** Options by command. The only place that names them: the command line, the help and the types of the commands follow from it. */
export const commandOptions = {
  run: optionTable({ config }),
  init: optionTable({
    url: text('<url>', 'where the database is; DATABASE_URL by default'),
    table: text('<table>', 'the table; by default the one that looks most like one of patients'),
    output: textOr(defaultOutput, '<file>', 'where to write it'),
    force: flag('replace a file that is there'),
    yes: flag('do not ask'),
    json: flag('print the proposal as JSON'),
  }),
  check: optionTable({ config, json: flag('print the report as JSON') }),
  setup: optionTable({
    config,
    role: text('<name>', 'for a role of its own with the least rights'),
    apply: flag('run it'),
    json: flag('print it as JSON'),
  }),
  status: optionTable({ config, json: flag('print it as JSON') }),
  backfill: optionTable({
    config,
    code: texts('<codes...>', 'only the rows of these codes'),
    json: flag('print it as JSON, and do not wait'),
  }),
  deadLetters: optionTable({
    config,
    code: texts('<codes...>', 'only these codes, or keys as the list shows them for rows without a code'),
    all: flag('all of them'),
    json: flag('print it as JSON'),
  }),
  verify: optionTable({
    config,
    sample: rowCount(100, '<rows>', 'so many rows at random'),
    code: texts('<codes...>', 'the rows of these codes'),
    all: flag('every row of the table'),
    repair: flag('ask for the rows that differ to be sent again'),
    json: flag('print the report as JSON'),
  }),
  adopt: optionTable({ config, json: flag('print the report as JSON') }),
  teardown: optionTable({ config, yes: flag('do not ask'), json: flag('print the report as JSON') }),
  sandbox: optionTable({
    port: textOr('8090', '<port>', 'port to listen on'),
    host: textOr('127.0.0.1', '<host>', 'address to listen on'),
    recordPatients: flag('keep what was sent, for GET /__sandbox/requests'),
  }),
  demo: optionTable({ once: flag('end by itself: exit status 0 only if both ends are equal') }),
}

/** Options of a command, parsed. */
export type OptionsOf<Name extends keyof typeof commandOptions> = z.output<(typeof commandOptions)[Name]>
