import { expect, test } from 'vitest'
import { repositoryFiles } from '../files.ts'
import { takenObjects } from './taken-objects.ts'

/** Maximum number of members of what a constructor or a function is given to work with: more are two concepts. */
const maxMembers = 6
/** Names of objects that are put together to be given, whatever they contain. */
const given = /(Options|Ports|Parts|Context|Wiring|Control|Outlets|Sources|Resources|Doc)$/

const taken = takenObjects(repositoryFiles().filter((path) => /^src\/.*\.ts$/.test(path)))

test('what a constructor or a function is given has at most six members', () => {
  expect(taken.length).toBeGreaterThan(300)
  expect(taken).toContainEqual(expect.objectContaining({ name: 'PendingOptions', isTakenByConstructor: true }))
  // Data may have more: a row record, the facts about a table, the settings.
  const crowded = taken.filter(
    ({ name, members, callable, isTakenByConstructor }) =>
      callable.length > maxMembers ||
      (members > maxMembers && (given.test(name) || (isTakenByConstructor && callable.length > 0))),
  )
  expect([...new Set(crowded.map(({ name, path, members }) => `${path}: ${name} has ${members}`))]).toEqual([])
})
