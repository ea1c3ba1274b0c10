import { expect, test } from 'vitest'
import type { Delivery } from '../../src/pending/entry/version.ts'
import { dialogue } from './dialogue.ts'
import { key, upsert } from './rows.ts'

/** Room for deliveries that are to be read back: an eighth of all. */
const room = 1_000

/** Rows of so many bytes each, whose first requests were lost, and whose second ones are accepted. */
function accepted(...sizes: readonly number[]) {
  const told = dialogue({ readsBack: true, maxBytes: 8 * room })
  for (const [index, bytes] of sizes.entries()) told.streams(110 + 2 * index, `${index}`, upsert(`c${index}`), bytes)
  told.load()
  for (const delivery of told.take()) told.pending.lost(delivery)
  const deliveries = told.take()
  told.accept(deliveries)
  return { ...told, deliveries }
}
function reasons(told: ReturnType<typeof dialogue>) {
  told.record()
  return ['0', '1'].map((name) => told.stored.get(key(name))?.owed?.reason ?? null)
}

test('what is to be read back occupies memory until it is confirmed', () => {
  const told = accepted(400, 600)
  expect([told.pending.readBacks, told.pending.bytes]).toEqual([2, 1_000])
  told.record()
  expect(told.pending.isInMemory(key('0'))).toBe(true)
  for (const delivery of told.deliveries) told.pending.confirmed(delivery)
  expect([told.pending.readBacks, told.pending.bytes]).toEqual([0, 0])
})

test('what has no room is owed, to be sent again, and does not stay', () => {
  const told = accepted(400, 601)
  expect([told.pending.readBacks, told.pending.bytes]).toEqual([1, 400])
  expect(reasons(told)).toEqual(['confirm', 'confirm'])
  expect([told.pending.isInMemory(key('0')), told.pending.isInMemory(key('1'))]).toEqual([true, false])
})

test('what has no room though no answer was lost is owed too: an older version may be applied after it', () => {
  const told = dialogue({ readsBack: true, isRepeated: true, maxBytes: 8 * room })
  told.streams(110, '0', upsert('c0'), room + 1)
  told.load()
  told.accept(told.take())
  expect(told.record()).toMatchObject([{ fingerprint: null, owed: { reason: 'confirm' } }])
})

test('what is confirmed is owed no more; what was not read back is', () => {
  const told = accepted(400, 601)
  for (const delivery of told.deliveries) told.pending.confirmed(delivery)
  expect(reasons(told)).toEqual([null, 'confirm'])
})

test('room is given back by what is confirmed, overtaken, or replaced by a newer acceptance', () => {
  const confirmed = (told: ReturnType<typeof accepted>, [delivery]: readonly Delivery[]) => {
    if (delivery) told.pending.confirmed(delivery)
  }
  const overtaken = (told: ReturnType<typeof accepted>, [delivery]: readonly Delivery[]) => {
    if (delivery) told.pending.overtaken(delivery)
  }
  const replaced = (told: ReturnType<typeof accepted>) => {
    told.commits(200, ['0', upsert('c0', 'Newer')])
    told.accept(told.take())
  }
  for (const giveBack of [confirmed, overtaken, replaced]) {
    const told = accepted(1_000)
    giveBack(told, told.deliveries)
    told.streams(300, 'next', upsert('next'), 900)
    told.load()
    for (const delivery of told.take()) told.pending.lost(delivery)
    told.accept(told.take())
    expect(told.pending.readBacks, giveBack.name).toBe(1)
  }
})
