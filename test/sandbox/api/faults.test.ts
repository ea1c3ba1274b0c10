import { describe, expect, test } from 'vitest'
import { FaultQueue } from '../../../src/sandbox/api/faults.ts'
import { HeldRequests } from '../../../src/sandbox/api/held-requests.ts'

function draws(queue: FaultQueue, times: number): (string | null)[] {
  return Array.from({ length: times }, () => queue.draw('put')?.kind ?? null)
}

describe('queued faults', () => {
  test('apply in their order, each as often as given', () => {
    const queue = new FaultQueue()
    queue.add({ kind: 'reset', times: 2 })
    queue.add({ kind: '429' })
    expect(draws(queue, 4)).toEqual(['reset', 'reset', '429', null])
    expect(queue.list).toEqual([])
  })

  test('wait for a request to their endpoint', () => {
    const queue = new FaultQueue()
    queue.add({ kind: 'reset', endpoint: 'put' })
    expect(queue.draw('get')).toBeNull()
    expect(queue.draw('put')?.kind).toBe('reset')
  })

  test('without an end apply before the others and stay until cleared', () => {
    const queue = new FaultQueue()
    queue.add({ kind: 'reset' })
    const down = queue.add({ kind: 'down' })
    expect(draws(queue, 3)).toEqual(['down', 'down', 'down'])
    queue.clear(down)
    expect(draws(queue, 2)).toEqual(['reset', null])
  })

  test('with a probability apply to that share, to the same requests for the same seed', () => {
    const hits = (seed: number) => {
      const queue = new FaultQueue()
      queue.add({ kind: 'reset', probability: 0.3, seed })
      return draws(queue, 2000)
    }
    const share = hits(7).filter((kind) => kind !== null).length / 2000
    expect(share).toBeCloseTo(0.3, 1)
    expect(hits(7)).toEqual(hits(7))
    expect(hits(7)).not.toEqual(hits(8))
  })

  test('that are invalid are refused', () => {
    expect(() => new FaultQueue().add({ kind: 'status', status: 99 })).toThrow(/status/)
  })
})

describe('held requests', () => {
  test('continue when their name is released, and no others do', async () => {
    const held = new HeldRequests()
    const order: string[] = []
    const first = held.hold('a').then(() => order.push('a'))
    const second = held.hold('b').then(() => order.push('b'))
    expect(held.waiting).toEqual({ a: 1, b: 1 })
    expect(held.release('b')).toBe(1)
    await second
    expect(held.release()).toBe(1)
    await first
    expect(order).toEqual(['b', 'a'])
    expect(held.waiting).toEqual({})
  })

  test('can be waited for, before and after they have arrived', async () => {
    const held = new HeldRequests()
    const expected = held.whenHeld('a')
    const waiting = held.hold('a')
    await expected
    await held.whenHeld('a')
    held.release('a')
    await waiting
  })

  test('continue by themselves after their time', async () => {
    const held = new HeldRequests()
    await held.hold('a', 1)
    expect(held.waiting).toEqual({})
  })
})
