import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { createProgram } from '../../../src/cli/program.ts'

async function completion(shell: string): Promise<string> {
  const lines: string[] = []
  const program = createProgram(
    {
      version: '0.0.0',
      env: {},
      cwd: '/',
      runtime: { stop: new AbortController().signal },
      output: { print: (line) => void lines.push(line), write: () => undefined, isTerminal: false },
      dialog: null,
    },
    () => undefined,
  )
  await program.parseAsync(['node', 'mediquo-cdc', 'completion', shell])
  return lines.join('\n')
}

const hasBash = spawnSync('bash', ['--version']).status === 0

describe.skipIf(!hasBash)('in bash', () => {
  test.each([
    [['ver'], ['verify']],
    [['dead-letters', 're'], ['retry']],
    [['verify', '--re'], ['--repair']],
    [['dead-letters', 'retry', '--a'], ['--all']],
    [['setup', '--apply', '--ro'], ['--role']],
    [['nonsense', ''], []],
  ])('completes %j to %j', async (typed, expected) => {
    const words = ['mediquo-cdc', ...typed]
    const script = `${await completion('bash')}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
_mediquo_cdc; printf '%s\\n' "\${COMPREPLY[@]}"`
    const answer = execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' })
    expect(answer.split('\n').filter((line) => line !== '')).toEqual(expected)
  })
})

test('zsh uses the same script, fish a line for each word', async () => {
  expect(await completion('zsh')).toContain('bashcompinit')
  const fish = (await completion('fish')).split('\n')
  expect(fish).toContain(`complete -c mediquo-cdc -f -n '__fish_use_subcommand' -a verify`)
  expect(fish).toContain(`complete -c mediquo-cdc -n '__fish_seen_subcommand_from verify' -l repair`)
  expect(fish.every((line) => line.startsWith('complete -c mediquo-cdc'))).toBe(true)
})
