import { expect, test } from 'vitest'
import type { Delivery } from '../../src/pending/entry/version.ts'
import { dialogue } from './dialogue.ts'
import { key, upsert } from './rows.ts'

/** Bytes of memory. An eighth of it is for deliveries that are to be read back. */
const room = 1_000

/** Accepts a row of each of these sizes in bytes: the first requests are lost, the second ones accepted. */
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

test('deliveries that are to be read back occupy memory until they are confirmed', () => {
  const told = accepted(400, 600)
  expect([told.pending.readBacks, told.pending.bytes]).toEqual([2, 1_000])
  told.record()
  expect(told.pending.isInMemory(key('0'))).toBe(true)
  for (const delivery of told.deliveries) told.pending.confirmed(delivery)
  expect([told.pending.readBacks, told.pending.bytes]).toEqual([0, 0])
})

test('a delivery that does not fit is owed, to be sent again, and leaves memory', () => {
  const told = accepted(400, 601)
  expect([told.pending.readBacks, told.pending.bytes]).toEqual([1, 400])
  expect(reasons(told)).toEqual(['confirm', 'confirm'])
  expect([told.pending.isInMemory(key('0')), told.pending.isInMemory(key('1'))]).toEqual([true, false])
})

test('a delivery that does not fit is owed though no answer was lost: an older version may be applied after it', () => {
  const told = dialogue({ readsBack: true, isRepeated: true, maxBytes: 8 * room })
  told.streams(110, '0', upsert('c0'), room + 1)
  told.load()
  told.accept(told.take())
  expect(told.record()).toMatchObject([{ fingerprint: null, owed: { reason: 'confirm' } }])
})

test('a confirmed row is no longer owed; a row that was not read back is', () => {
  const told = accepted(400, 601)
  for (const delivery of told.deliveries) told.pending.confirmed(delivery)
  expect(reasons(told)).toEqual([null, 'confirm'])
})

test('memory is released by a delivery that is confirmed, overwritten, or replaced by a newer acceptance', () => {
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
