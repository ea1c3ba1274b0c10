import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { allSabotages, gitApply, parseSabotage, root } from '../sabotage/patches.ts'
import { createTable } from '../sabotage/table.ts'
import { faultOf, verdictOf } from '../sabotage/verdict.ts'
import { textOf } from './files.ts'

const sabotages = allSabotages()
const hasGit = (() => {
  try {
    execFileSync('git', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

/** Text below the heading of each promise, by its number. */
const promises = new Map(
  textOf('docs/guarantees.md')
    .split(/^## /m)
    .flatMap((section) => {
      const [, number] = /^(\d+)\. /.exec(section) ?? []
      return number === undefined ? [] : [[Number(number), section] as const]
    }),
)

test('each promise has at least one patch', () => {
  expect(promises.size).toBe(8)
  const unbroken = [...promises.keys()].filter((number) => !sabotages.some(({ promise }) => promise === number))
  expect(unbroken).toEqual([])
})

describe.each(sabotages.map((sabotage) => [sabotage.path, sabotage] as const))('%s', (_, sabotage) => {
  test('has the number of its promise, and names existing tests that are listed under that promise', () => {
    expect(sabotage.name.startsWith(`${sabotage.promise}-`)).toBe(true)
    expect(sabotage.tests.filter((path) => !existsSync(join(root, path)))).toEqual([])
    const section = promises.get(sabotage.promise) ?? ''
    expect(sabotage.tests.filter((path) => !section.includes(`\`${path}\``))).toEqual([])
  })

  test('applies to the source', (context) => {
    if (!hasGit) context.skip('there is no git to apply a patch with')
    const fix =
      'make the change again by hand, and put the three lines of the header in front of what `git diff -U2 src` prints'
    expect(gitApply(root, sabotage, '--check'), fix).toBeNull()
  })
})

test('a patch that does not apply, or lacks a line of its header, is reported', (context) => {
  const header = 'Promise: 1\nBreaks: It breaks.\nTests: a.test.ts b.test.ts\n\ndiff --git a/x b/x\n'
  expect(parseSabotage('1-a.patch', header)).toMatchObject({ promise: 1, tests: ['a.test.ts', 'b.test.ts'] })
  for (const line of ['Promise', 'Breaks', 'Tests'])
    expect(() => parseSabotage('1-a.patch', header.replace(`${line}:`, ''))).toThrow(`write a line "${line}: …"`)
  if (!hasGit) context.skip('there is no git to apply a patch with')
  const [sabotage] = sabotages
  expect(sabotage && gitApply(root, sabotage, '--check', '--reverse')).toMatch(/patch does not apply/)
})

describe('a sabotage is caught', () => {
  const reportOf = (failureMessages: readonly string[], status = 'failed', message = '') => ({
    testResults: [
      {
        name: 'a.test.ts',
        status,
        message,
        assertionResults: [{ fullName: 'b', status, failureMessages: [...failureMessages] }],
      },
    ],
  })

  test.each([
    'AssertionError: expected 1 to be 2\n    at …',
    'Error: promise resolved "{ a: 1 }" instead of rejecting\n    at …',
  ])('by a failed expectation: %j', (message) => {
    const report = reportOf([message])
    expect(verdictOf(report)).toEqual({ kind: 'caught', file: 'a.test.ts', test: 'b' })
    expect(faultOf(report)).toBe(`b: ${message.split('\n')[0]}`)
  })

  test.each([
    [reportOf(['TypeError: x is not a function']), 'not by an expectation: TypeError'],
    [reportOf(['Error: Property failed after 1 tests']), 'not by an expectation: Error: Property'],
    [reportOf(['Error: Test timed out in 30000ms.']), 'not by an expectation: Error: Test timed out'],
    [
      { testResults: [{ name: 'a', status: 'failed', message: 'Cannot find x', assertionResults: [] }] },
      'did not run: Cannot',
    ],
    [reportOf([], 'passed'), 'every test passed'],
  ])('and by nothing else', (report, why) => {
    expect(verdictOf(report)).toEqual({ kind: 'missed', why: expect.stringContaining(why) })
  })

  test('only if there are tests, and they pass without it', () => {
    expect(faultOf(reportOf([], 'passed'))).toBeNull()
    expect(faultOf(reportOf([], 'skipped'))).toBe('no test was run')
    expect(faultOf({ testResults: [] })).toBe('no test was run')
  })
})

test.each([80, 130])('the table fits %i columns, and loses no word', (width) => {
  const table = createTable(
    [
      { title: 'promise', share: 0 },
      { title: 'patch', share: 1 },
      { title: 'what', share: 3 },
    ],
    width,
  )
  const words = 'It breaks what nobody would have thought to look at, in a-very-long-word'.split(' ')
  const text = `${table.head}\n${table.row(['1', `1-${'x'.repeat(90)}`, words.join(' ')])}`
  expect(text.split('\n').filter((line) => line.length > width)).toEqual([])
  expect(words.filter((word) => !text.replace(/\s/g, '').includes(word.slice(0, 4)))).toEqual([])
})
