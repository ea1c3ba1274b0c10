import { type Command, InvalidArgumentError } from 'commander'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** Parses the name of a shell. @throws {InvalidArgumentError} */
export function shellOf(text: string): Shell {
  const shell = shells.find((known) => known === text)
  if (shell === undefined) throw new InvalidArgumentError(`It must be one of ${shells.join(', ')}.`)
  return shell
}

/** Returns the words that can follow each command, by the command as it is typed. */
function words(program: Command): Map<string, string[]> {
  const found = new Map<string, string[]>()
  const walk = (command: Command, path: readonly string[]) => {
    const options = [
      ...command.options.flatMap(({ long }) => (long === undefined || long === null ? [] : [long])),
      '--help',
    ]
    found.set(path.join(' '), [...command.commands.map((one) => one.name()), ...options])
    for (const one of command.commands) walk(one, [...path, one.name()])
  }
  walk(program, [])
  return found
}

/** Returns a shell script that completes commands and options. The shell completes the values of options as file names. */
export function completionScript(program: Command, shell: Shell): string {
  const name = program.name()
  const cases = [...words(program)]
  if (shell === 'fish') return fish(name, cases)
  const script = bash(name, cases)
  return shell === 'bash' ? script : `autoload -U +X bashcompinit && bashcompinit\n${script}`
}

function bash(name: string, cases: readonly (readonly [string, readonly string[]])[]): string {
  const identifier = name.replaceAll('-', '_')
  const lines = cases.map(([path, following]) => `    ${JSON.stringify(path)}) words="${following.join(' ')}" ;;`)
  return `_${identifier}() {
  local current=\${COMP_WORDS[COMP_CWORD]} path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) break ;; *) path="\${path:+$path }$word" ;; esac
  done
  case $path in
${lines.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${identifier} ${name}`
}

function fish(name: string, cases: readonly (readonly [string, readonly string[]])[]): string {
  return cases
    .flatMap(([path, following]) => {
      const typed = path.split(' ').filter((word) => word !== '')
      const condition =
        typed.length === 0
          ? '__fish_use_subcommand'
          : typed.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ')
      return following.map((word) =>
        word.startsWith('--')
          ? `complete -c ${name} -n '${condition}' -l ${word.slice(2)}`
          : `complete -c ${name} -f -n '${condition}' -a ${word}`,
      )
    })
    .join('\n')
}
