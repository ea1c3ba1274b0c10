import { describe, expect, test } from 'vitest'
import { CodeFetching, type FetchSource } from '../../../../src/pipeline/core/delivery/code-fetching.ts'
import type { Effect } from '../../../../src/pipeline/core/effects.ts'
import type { FetchedCode, Ticket } from '../../../../src/pipeline/core/events.ts'
import { Tickets } from '../../../../src/pipeline/core/tickets.ts'
import { code } from '../../../pending/rows.ts'

/** Creates a source that wants these codes, one after the other, and records its answers. */
function sourceOf(...codes: readonly string[]) {
  const waiting = [...codes]
  const answers: [string, FetchedCode['kind']][] = []
  const source: FetchSource = {
    wantsFetch: () => waiting.length > 0,
    nextFetch: () => {
      const of = waiting.shift()
      if (of === undefined) return null
      return { code: code(of), expected: null, fetched: ({ kind }) => answers.push([of, kind]) }
    },
  }
  return { source, waiting, answers }
}

/** Creates a lease that is begun by the writes of the test. */
function leaseOf(state: { isBegun: boolean }) {
  const writes = { asked: 0, stored: 0 }
  const recording = {
    mayLeave: () => state.isBegun,
    beginLease: () => ++writes.asked,
    isStored: (write: number) => write <= writes.stored,
  }
  return { recording, writes, state }
}

function scene(sources: readonly FetchSource[], maxInFlight = 8, lease = leaseOf({ isBegun: true })) {
  const { recording } = lease
  const fetching = new CodeFetching({ tickets: new Tickets(), sources, recording, maxInFlight })
  fetching.activate(true)
  const out = new Map<string, Ticket>()
  let wanted: Ticket | null = null
  let returned = 0
  const run = (): void => {
    const effects: Effect[] = []
    fetching.effects(0, effects)
    for (const effect of effects) {
      if (effect.kind === 'want permit') wanted = effect.ticket
      if (effect.kind === 'return permit') returned++
      if (effect.kind === 'fetch code') out.set(effect.code, effect.ticket)
    }
  }
  const grant = (): void => {
    if (wanted !== null) fetching.granted(wanted)
    wanted = null
    run()
  }
  run()
  return {
    fetching,
    run,
    grant,
    out: () => [...out.keys()],
    ticketOf: (of: string) => out.get(of) ?? -1,
    isWanted: () => wanted !== null,
    refuse: () => {
      if (wanted !== null) fetching.failed(wanted, 0)
      wanted = null
      run()
    },
    returned: () => returned,
  }
}

describe('reading codes back', () => {
  test('takes turns between the sources', () => {
    const { grant, out } = scene([sourceOf('a1', 'a2', 'a3').source, sourceOf('b1', 'b2').source])
    for (let permit = 0; permit < 5; permit++) grant()
    expect(out().map((of) => of[0])).toEqual(['b', 'a', 'b', 'a', 'a'])
  })

  test('requests one permit at a time, and never exceeds the number of concurrent requests', () => {
    const { grant, out, isWanted, fetching, ticketOf, run } = scene([sourceOf('a', 'b', 'c').source], 2)
    expect(isWanted()).toBe(true)
    grant()
    grant()
    expect([out(), isWanted(), fetching.inFlight]).toEqual([['a', 'b'], false, 2])
    fetching.fetched(ticketOf('a'), { kind: 'absent' }, 0)
    run()
    expect(isWanted()).toBe(true)
  })

  test('returns a permit that no source needs any more', () => {
    const { source, waiting } = sourceOf('a')
    const { grant, returned, isWanted } = scene([source])
    waiting.length = 0
    grant()
    expect([returned(), isWanted()]).toEqual([1, false])
  })

  test('returns a permit once this instance may not send, and requests none', () => {
    const { fetching, grant, returned, isWanted, out } = scene([sourceOf('a').source])
    fetching.activate(false)
    grant()
    expect([returned(), isWanted(), out()]).toEqual([1, false, []])
  })

  test('waits with the permit for the write that begins the lease, and asks again if the write fails or comes too late', () => {
    const lease = leaseOf({ isBegun: false })
    const { writes, state } = lease
    const { fetching, grant, run, out, isWanted } = scene([sourceOf('a', 'b').source], 8, lease)
    grant()
    run()
    expect([out(), writes.asked, isWanted()]).toEqual([[], 1, false])
    fetching.writeFailed()
    run()
    expect(writes.asked).toBe(2)
    writes.stored = 2
    run()
    expect([out(), writes.asked]).toEqual([[], 3])
    writes.stored = 3
    state.isBegun = true
    run()
    expect([out(), isWanted()]).toEqual([['a'], true])
  })

  test('returns the permit if the code is not wanted any more when the lease begins', () => {
    const lease = leaseOf({ isBegun: false })
    const { source, waiting } = sourceOf('a')
    const { grant, run, returned } = scene([source], 8, lease)
    grant()
    expect(returned()).toBe(0)
    waiting.length = 0
    run()
    expect(returned()).toBe(1)
  })

  test('requests a permit again if it was not granted', () => {
    const { refuse, isWanted } = scene([sourceOf('a').source])
    refuse()
    expect(isWanted()).toBe(true)
  })

  test('hands each answer to its source; a failed request is answered with "not now"', () => {
    const { source, answers } = sourceOf('a', 'b')
    const { fetching, grant, ticketOf } = scene([source])
    grant()
    grant()
    fetching.fetched(ticketOf('b'), { kind: 'absent' }, 0)
    fetching.failed(ticketOf('a'), 0)
    expect(answers).toEqual([
      ['b', 'absent'],
      ['a', 'not now'],
    ])
    expect(fetching.fetched(ticketOf('a'), { kind: 'absent' }, 0)).toBe(false)
  })
})
