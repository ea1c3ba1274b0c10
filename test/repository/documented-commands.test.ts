import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { createProgram } from '../../src/cli/program.ts'
import { repositoryFiles, textOf } from './files.ts'

const documents = repositoryFiles().filter((path) => /^(README|CONTRIBUTING)\.md$|^(docs|bench)\/.*\.md$/.test(path))
const scripts = Object.keys((JSON.parse(textOf('package.json')) as { scripts: object }).scripts)
const program = createProgram(
  {
    version: '0.0.0',
    env: {},
    cwd: '/',
    runtime: { stop: new AbortController().signal },
    output: { print: () => undefined, write: () => undefined, isTerminal: false },
    dialog: null,
  },
  () => undefined,
)

/** Returns commands in backticks, and lines of code blocks, from this word on. */
function commandsIn(text: string, word: string): string[] {
  const spans = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
  const blocks = [...text.matchAll(/^ *```[^\n]*\n([\s\S]*?)^ *```/gm)].flatMap(([, code = '']) => code.split('\n'))
  return [...spans, ...blocks].flatMap((line) => {
    const found = line.split(/ && | {2,}|; /).find((part) => part.trim().startsWith(`${word} `))
    return found === undefined ? [] : [found.trim()]
  })
}

/** Returns the part of a command that the command line does not know; null if it knows all of it. */
function faultOf(line: string): string | null {
  let command: Command = program
  for (const argument of line.split(/\s+/).slice(1)) {
    const next = command.commands.find((one) => one.name() === argument)
    if (next) command = next
    else if (argument.startsWith('--')) {
      const known = [...command.options.map(({ long }) => long), '--help', '--version']
      if (!known.includes(argument.replace(/=.*$/, ''))) return `${command.name()} has no ${argument}`
    } else if (command === program) return `there is no command ${argument}`
  }
  return null
}

describe.each(documents)('%s', (document) => {
  const text = textOf(document)

  test('names only existing commands and options', () => {
    const faults = commandsIn(text, 'mediquo-cdc').flatMap((line) => faultOf(line) ?? [])
    expect(faults).toEqual([])
  })

  test('names only existing scripts', () => {
    const named = commandsIn(text, 'npm run').map((line) => line.split(/\s+/)[2] ?? '')
    expect(named.filter((name) => !scripts.includes(name))).toEqual([])
  })
})

const everyCommand = program.commands.flatMap((command) => [command, ...command.commands])

test.each(everyCommand.map((command) => [command.name(), command] as const))(
  'the help of %s has an example and fits 80 columns',
  (_, command) => {
    let help = ''
    command.configureOutput({ writeOut: (text) => (help += text) })
    command.outputHelp()
    expect(help).toContain('Example:\n  ')
    expect(help.split('\n').filter((line) => line.length > 80)).toEqual([])
    expect(help).not.toContain('\u001b')
  },
)

test('each example of a help is an existing command, and each command is in a document', () => {
  const all = documents.map(textOf).join('\n')
  for (const command of program.commands) expect(all).toContain(`mediquo-cdc ${command.name()}`)
  for (const command of everyCommand) {
    let help = ''
    command.configureOutput({ writeOut: (text) => (help += text) })
    command.outputHelp()
    const examples = help.slice(help.indexOf('Example:')).matchAll(/mediquo-cdc [^\n)]*/g)
    expect([...examples].flatMap(([line]) => faultOf(line) ?? [])).toEqual([])
  }
})
