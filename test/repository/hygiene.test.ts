import { describe, expect, test } from 'vitest'
import { repositoryFiles, textOf } from './files.ts'

const longestSource = 300
const ownFolders = ['work', 'root'].map((name) => `/${name}/`)

describe('the repository', () => {
  const files = repositoryFiles()

  test('contains no path of the machine on which it was written', () => {
    const naming = files.filter((path) => {
      const text = textOf(path)
      return ownFolders.some((folder) => text.includes(folder))
    })
    expect(naming).toEqual([])
  })

  test('leaves the choice of the package registry to each machine', () => {
    expect(textOf('package-lock.json')).not.toMatch(/"resolved": "[a-z+]+:\/\//)
    expect(files.filter((path) => path.endsWith('.npmrc'))).toEqual([])
  })

  test('has source files of limited length', () => {
    const long = files
      .filter((path) => /^src\/.*\.ts$/.test(path))
      .map((path) => ({ path, lines: textOf(path).trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > longestSource)
    expect(long).toEqual([])
  })
})
