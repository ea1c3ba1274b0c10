import { describe, expect, test } from 'vitest'
import { lsn } from '../../../src/model/source/lsn.ts'
import { xid } from '../../../src/model/source/visibility.ts'
import { type Delivery, forecastSlot } from '../../../src/source/slot/slot-forecast.ts'
import { followed, noTrail, type SlotSample } from '../../../src/source/slot/slot-trail.ts'

const MB = 1024 ** 2
const GB = 1024 ** 3

interface Happening {
  readonly writes?: number
  readonly isConfirmed?: boolean
  readonly releases?: boolean
}

/** A server whose WAL, confirmed and held positions the test moves, looked at every five seconds. */
function server({ limitBytes = null as number | null, writtenBytes = 0 } = {}) {
  let trail = noTrail
  let written = writtenBytes
  let confirmed = writtenBytes
  let restart = writtenBytes
  let atMs = 0
  let more: Partial<SlotSample> = {}
  const look = () => {
    const safe = limitBytes === null ? null : limitBytes - (written - restart)
    const sample: SlotSample = {
      atMs,
      systemIdentifier: '7',
      timeline: 1,
      isStandby: false,
      isActive: true,
      currentLsn: lsn(BigInt(written)),
      snapshotXmax: xid(800n),
      confirmedFlushLsn: lsn(BigInt(confirmed)),
      lagBytes: written - confirmed,
      retainedBytes: written - restart,
      walStatus: safe !== null && safe <= 0 ? 'unreserved' : 'reserved',
      publicationOid: '17',
      safeBytes: safe,
      idle: null,
      ...more,
    }
    trail = followed(trail, sample)
  }
  return {
    /** Looks so many times, five seconds apart, in each of which this happened. */
    looks(count: number, { writes = 0, isConfirmed = false, releases = false }: Happening = {}) {
      for (let n = 0; n < count; n++) {
        atMs += 5_000
        written += writes
        if (isConfirmed) confirmed = written
        if (releases) restart = confirmed
        look()
      }
      return this
    },
    seen(changed: Partial<SlotSample>) {
      more = changed
      return this
    },
    forecast: (delivery: Partial<Delivery> = {}) =>
      forecastSlot(trail, { secondsToDrain: null, isDelivering: false, ...delivery }),
  }
}

describe('a slot of which nothing is confirmed', () => {
  test('is lost when the limit is reached at the rate at which WAL is written', () => {
    const { verdict, secondsUntilLost, bytesPerSecond, limit } = server({ limitBytes: 1024 * MB })
      .looks(13, { writes: 5 * MB })
      .forecast()
    expect(bytesPerSecond).toBeCloseTo(MB, 0)
    expect(secondsUntilLost).toBeCloseTo(1024 - 65, 0)
    expect([verdict, limit]).toEqual(['will be lost', 'size'])
  })

  test('is not foretold to be lost for a hiccup', () => {
    const hiccup = server({ limitBytes: 10 * GB }).looks(4, { writes: 5 * MB })
    expect(hiccup.forecast()).toMatchObject({ verdict: 'fine', secondsUntilLost: expect.closeTo(10_220, 0) })
    hiccup.looks(40, { writes: 5 * MB })
    expect(hiccup.forecast().verdict).toBe('will be lost')
  })

  test('that would last for more than a day is not foretold to be lost', () => {
    const slow = server({ limitBytes: 10 * GB }).looks(720, { writes: 0.25 * MB })
    expect(slow.forecast().verdict).toBe('fine')
  })

  test('is soon lost with ten minutes left, or with less than what waits takes to be sent and ten minutes', () => {
    const left = (seconds: number) => server({ limitBytes: (65 + seconds) * MB }).looks(13, { writes: 5 * MB })
    expect(left(601).forecast().verdict).toBe('will be lost')
    expect(left(599).forecast().verdict).toBe('soon lost')
    expect(left(1_801).forecast({ secondsToDrain: 1_200 }).verdict).toBe('will be lost')
    expect(left(1_799).forecast({ secondsToDrain: 1_200 }).verdict).toBe('soon lost')
  })

  test('while a large transaction is delivered in time, is not foretold to be lost', () => {
    const large = server({ limitBytes: 1024 * MB }).looks(13, { writes: 5 * MB })
    expect(large.forecast({ isDelivering: true, secondsToDrain: 300 }).verdict).toBe('fine')
    expect(large.forecast({ isDelivering: true, secondsToDrain: 3_000 }).verdict).toBe('soon lost')
    expect(large.forecast({ isDelivering: true, secondsToDrain: null }).verdict).toBe('will be lost')
  })

  test('is not lost by a server that writes nothing', () => {
    const quiet = server({ limitBytes: 64 * MB }).looks(1, { writes: MB })
    quiet.looks(100)
    expect(quiet.forecast()).toMatchObject({ verdict: 'fine', secondsUntilLost: null, bytesPerSecond: 0 })
  })

  test('over its limit is being lost, whatever the rate', () => {
    const over = server({ limitBytes: 64 * MB }).looks(1, { writes: 65 * MB })
    expect(over.forecast()).toMatchObject({ verdict: 'being lost', secondsUntilLost: 0 })
  })
})

describe('a slot that is confirmed', () => {
  test('holds WAL in steps, which are no trend', () => {
    const busy = server({ limitBytes: 1024 * MB })
    // A slot releases WAL every fifteen seconds or so, when the server notes its running transactions.
    const verdicts = Array.from({ length: 200 }, (_, n) =>
      busy.looks(1, { writes: 20 * MB, isConfirmed: true, releases: n % 4 === 3 }).forecast(),
    )
    expect(new Set(verdicts.map(({ verdict }) => verdict))).toEqual(new Set(['fine']))
    expect(Math.max(...verdicts.map(({ bytesPerSecond }) => bytesPerSecond ?? 0))).toBeLessThan(0.3 * MB)
  })

  test('and releases nothing, as behind a transaction that was never ended, will be lost', () => {
    const behind = server({ limitBytes: 1024 * MB }).looks(30, { writes: 5 * MB, isConfirmed: true })
    expect(behind.forecast({ isDelivering: true })).toMatchObject({
      verdict: 'will be lost',
      bytesPerSecond: expect.closeTo(MB, -4),
    })
  })

  test('says nothing of its rate in the first minute', () => {
    const young = server({ limitBytes: 1024 * MB }).looks(12, { writes: 5 * MB, isConfirmed: true })
    expect(young.forecast()).toMatchObject({ bytesPerSecond: null, verdict: 'fine' })
  })

  test('after a standstill is fine as soon as it has released what it held', () => {
    const back = server({ limitBytes: 1024 * MB }).looks(60, { writes: 5 * MB })
    expect(back.forecast().verdict).toBe('will be lost')
    back.looks(1, { writes: 5 * MB, isConfirmed: true, releases: true })
    expect(back.forecast()).toMatchObject({ verdict: 'fine', secondsUntilLost: null, bytesPerSecond: null })
  })
})

describe('a slot that holds much', () => {
  test('without a limit is told by what it has held for a minute', () => {
    const unlimited = server().looks(13, { writes: 100 * MB })
    expect(unlimited.forecast()).toMatchObject({ verdict: 'fine', secondsUntilLost: null, limit: null })
    unlimited.looks(12, { writes: 100 * MB })
    expect(unlimited.forecast()).toMatchObject({ verdict: 'holding', bytesPerSecond: expect.closeTo(20 * MB, 0) })
  })

  test('with a limit, once half of it is used', () => {
    const half = (used: number) =>
      server({ limitBytes: 100 * MB })
        .looks(1, { writes: used * MB })
        .looks(13)
        .forecast().verdict
    expect([half(49), half(51)]).toEqual(['fine', 'holding'])
  })
})

describe('a slot that nobody uses', () => {
  test.each([
    [29, 'fine', 31],
    [31, 'soon lost', 29],
  ] as const)('for %i of 60 seconds is %s', (seconds, verdict, left) => {
    const idle = server()
      .seen({ idle: { seconds, timeoutSeconds: 60 } })
      .looks(1)
    expect(idle.forecast()).toMatchObject({ verdict, secondsUntilLost: left, limit: 'idle' })
  })

  test('for half of a day of its two hours and more left is told in time', () => {
    const idle = server()
      .seen({ idle: { seconds: 40_000, timeoutSeconds: 50_000 } })
      .looks(1)
    expect(idle.forecast()).toMatchObject({ verdict: 'will be lost', secondsUntilLost: 10_000, limit: 'idle' })
  })
})

describe('what was seen before', () => {
  const stuck = () => server({ limitBytes: 1024 * MB }).looks(60, { writes: 5 * MB })

  test.each([
    ['another server', { systemIdentifier: '8' }],
    ['another timeline', { timeline: 2 }],
  ])('says nothing of %s', (_, changed) => {
    const other = stuck().seen(changed).looks(1)
    expect(other.forecast()).toMatchObject({ bytesPerSecond: null, secondsUntilLost: null, verdict: 'fine' })
  })

  test.each(['lost', 'missing'] as const)('of a slot that is %s is over: it holds nothing', (walStatus) => {
    const gone = stuck().seen({ walStatus, safeBytes: null, retainedBytes: 0 }).looks(1)
    expect(gone.forecast()).toMatchObject({ verdict: 'fine', heldBytes: 0, secondsUntilLost: null })
  })
})
