import { expect, test } from 'vitest'
import { xid } from '../../../src/model/source/visibility.ts'
import { newestKnown } from '../../../src/pending/entry/entry-facts.ts'
import { inherit } from '../../../src/pending/entry/merge.ts'
import { type Content, codeOf } from '../../../src/pending/entry/version.ts'
import { delivered, entryView, incomplete, patient, position, removed, upsert, version } from '../rows.ts'

test('a deleted row of which only the key came has the code and the patient of the version before it', () => {
  const gone = { kind: 'removed', code: 'a', patient: patient('a') }
  const before = (content: Content) => entryView('1', { waiting: version(content) })
  expect(inherit(removed(), before(upsert('a')))).toEqual(gone)
  expect(inherit(removed(), entryView('1', { inFlight: version(upsert('a')) }))).toEqual(gone)
  expect(inherit(removed(), before(removed('a')))).toEqual(removed('a'))
  expect(inherit(removed(), before(incomplete()))).toEqual(removed())
  expect(inherit(removed(), before(incomplete('a')))).toEqual(removed('a'))
  expect(inherit(removed(), entryView('1'))).toEqual(removed())
})

test('what came with a change is taken from nothing else', () => {
  const entry = entryView('1', { waiting: version(upsert('a')) })
  for (const content of [removed('b'), upsert('b'), incomplete()]) expect(inherit(content, entry)).toEqual(content)
})

test('a version is about the code that it names; so does one whose values are still to be read, if its change told it', () => {
  const contents = [upsert('a'), removed('b'), removed(), incomplete(), incomplete('c')]
  expect(contents.map(codeOf)).toEqual(['a', 'b', null, null, 'c'])
})

test('the newest known change is the later one of memory’s and the state’s', () => {
  const known = (at: number) => ({ position: position(at), xid: xid(BigInt(at)) })
  const newest = (memory: number | null, state: number | null) =>
    newestKnown(
      entryView('1', {
        known: memory === null ? null : known(memory),
        stored: state === null ? null : delivered('1', patient('a'), known(state)),
      }),
    )?.xid ?? null
  expect([newest(5, 9), newest(9, 5), newest(5, null), newest(null, 9), newest(null, null)]).toEqual([
    9n,
    9n,
    5n,
    9n,
    null,
  ])
})
