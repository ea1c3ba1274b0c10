import { describe, expect, test } from 'vitest'
import { repositoryFiles, textOf } from './files.ts'

// The state machine is created in one place and has two drivers, so results of tests and simulations hold for production.

const sources = repositoryFiles().filter((path) => path.endsWith('.ts') && /^(src|test|bench|scripts)\//.test(path))
const self = 'test/repository/one-core.test.ts'
const naming = (text: string) => sources.filter((path) => path !== self && textOf(path).includes(text))

describe('the core is created in one place', () => {
  // Exceptions: the unit tests of the parts.
  const own: Readonly<Record<string, RegExp>> = {
    'new Pending(': /^test\/pending\//,
    'new Progress(': /^test\/(pending|checkpoint|pipeline\/core)\//,
  }
  test.each(Object.entries(own))('%s', (creation, tests) => {
    const elsewhere = naming(creation).filter((path) => !tests.test(path))
    expect(elsewhere).toEqual(['src/pipeline/core/core.ts'])
  })
})

/** Returns the members of a union type, each from its `kind` to the next. */
function membersOf(type: string, path: string): Map<string, string> {
  const declaration =
    textOf(path)
      .split(`export type ${type} =`)[1]
      ?.split(/\n(?:export|\/\*\* Something)/)[0] ?? ''
  const members = [...declaration.matchAll(/readonly kind: '([^']+)'/g)]
  return new Map(
    members.map((member, at) => [member[1] ?? '', declaration.slice(member.index, members[at + 1]?.index)]),
  )
}
const effects = [...membersOf('Effect', 'src/pipeline/core/effects.ts').keys()]
const answers = [...membersOf('CoreEvent', 'src/pipeline/core/events.ts')].flatMap(([kind, text]) =>
  text.includes('readonly ticket: Ticket') ? [kind] : [],
)

/** Files with a table of handlers for effects, and the folder or file in which they report events. */
const drivers = [
  { path: 'src/pipeline/driver.ts', reports: 'src/pipeline/driver.ts' },
  ...naming("'wake at':")
    .filter((path) => path.startsWith('test/simulation/') && textOf(path).includes("'load records':"))
    .map((path) => ({ path, reports: 'test/simulation/' })),
]

describe('each driver handles every effect, and gives every answer', () => {
  test('and the simulation has drivers too', () => {
    expect([effects.length, answers.length, drivers.length > 1]).toEqual([19, 13, true])
  })

  test.each(drivers)('$path', ({ path, reports }) => {
    const table = textOf(path)
    const key = (kind: string) => (kind.includes(' ') ? `'${kind}'` : kind)
    expect(effects.filter((kind) => !new RegExp(`^ +(\\.\\.\\.)?${key(kind)}[:,(]`, 'm').test(table))).toEqual([])
    const text = sources
      .filter((file) => file.startsWith(reports))
      .map(textOf)
      .join('\n')
    expect(answers.filter((kind) => !text.includes(`kind: '${kind}'`))).toEqual([])
  })
})

test('the core uses no clock, no timer, no promise and no random number of its own', () => {
  const forbidden =
    /\b(setTimeout|setInterval|setImmediate|queueMicrotask|Promise|async|await|Date\.now|new Date|performance|Math\.random)\b/
  const core = sources.filter((path) => /^src\/(pipeline\/core|pending|backfill)\//.test(path))
  expect(core.filter((path) => forbidden.test(textOf(path)))).toEqual([])
})
