import { expect, test } from 'vitest'
import { xid } from '../../../src/model/source/visibility.ts'
import { newestKnown } from '../../../src/pending/entry/entry-facts.ts'
import { inherit } from '../../../src/pending/entry/merge.ts'
import { type Content, codeOf } from '../../../src/pending/entry/version.ts'
import { delivered, entryView, incomplete, patient, position, removed, upsert, version } from '../rows.ts'

test('takes code and patient from the version before if a delete brings only the key', () => {
  const gone = { kind: 'removed', code: 'a', patient: patient('a') }
  const before = (content: Content) => entryView('1', { waiting: version(content) })
  expect(inherit(removed(), before(upsert('a')))).toEqual(gone)
  expect(inherit(removed(), entryView('1', { inFlight: version(upsert('a')) }))).toEqual(gone)
  expect(inherit(removed(), before(removed('a')))).toEqual(removed('a'))
  expect(inherit(removed(), before(incomplete()))).toEqual(removed())
  expect(inherit(removed(), before(incomplete('a')))).toEqual(removed('a'))
  expect(inherit(removed(), entryView('1'))).toEqual(removed())
})

test('takes nothing from the version before if the change brings the value', () => {
  const entry = entryView('1', { waiting: version(upsert('a')) })
  for (const content of [removed('b'), upsert('b'), incomplete()]) expect(inherit(content, entry)).toEqual(content)
})

test('a version is about the code that it names, or that its change named if its values are still to be read', () => {
  const contents = [upsert('a'), removed('b'), removed(), incomplete(), incomplete('c')]
  expect(contents.map(codeOf)).toEqual(['a', 'b', null, null, 'c'])
})

test('the newest known change is the later one of memory and row record', () => {
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
