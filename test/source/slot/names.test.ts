import { expect, test } from 'vitest'
import { settingsOf, yamlProblems } from '../../config/loading.ts'

// Names are used unquoted in replication commands.
const hostile = [`a"b`, `a'b`, `a b`, `a;b`, `a,b`, 'Ä', '', 'A', 'a-b']

test.each(hostile)('the slot name %j is refused', (name) => {
  expect(yamlProblems(`source: { slot: ${JSON.stringify(name)} }`)).toEqual([expect.stringContaining('source.slot')])
})

test.each(hostile)('the publication name %j is refused', (name) => {
  expect(yamlProblems(`source: { publication: ${JSON.stringify(name)} }`)).toEqual([
    expect.stringContaining('source.publication'),
  ])
})

test('plain names are accepted', () => {
  expect(settingsOf('source: { slot: his_2, publication: his_2 }').source).toMatchObject({
    slot: 'his_2',
    publication: 'his_2',
  })
})
