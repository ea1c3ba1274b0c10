import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryFiles } from './files.ts'

const maxFiles = 15
/** Folders that are flat lists, in which a file is found by its name. */
const lists = ['test/sabotage']

test.each(['src', 'test'])('each folder of %s has at most 15 files of its own', (top) => {
  const counts = new Map<string, number>()
  for (const path of repositoryFiles().filter((file) => file.startsWith(`${top}/`))) {
    const folder = dirname(path)
    counts.set(folder, (counts.get(folder) ?? 0) + 1)
  }
  expect(counts.size).toBeGreaterThan(0)
  expect([...counts].filter(([folder, count]) => count > maxFiles && !lists.includes(folder))).toEqual([])
})
