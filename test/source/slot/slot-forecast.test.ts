import { describe, expect, test } from 'vitest'
import { lsn } from '../../../src/model/source/lsn.ts'
import { xid } from '../../../src/model/source/visibility.ts'
import { type Delivery, forecastSlot } from '../../../src/source/slot/slot-forecast.ts'
import { followed, noHistory, type SlotSample } from '../../../src/source/slot/slot-history.ts'

const MB = 1024 ** 2
const GB = 1024 ** 3

interface Happening {
  readonly writes?: number
  readonly isConfirmed?: boolean
  readonly releases?: boolean
}

/** Creates a server whose WAL, confirmed and retained positions the test moves, checked every five seconds. */
function server({ limitBytes = null as number | null, writtenBytes = 0 } = {}) {
  let history = noHistory
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
      databaseOid: '5',
      timeline: 1,
      isStandby: false,
      isActive: true,
      currentLsn: lsn(BigInt(written)),
      snapshotXmin: xid(800n),
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
    history = followed(history, sample)
  }
  return {
    /** Checks this number of times, five seconds apart, with these events before each check. */
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
      forecastSlot(history, { secondsToDrain: null, isDelivering: false, ...delivery }),
  }
}

describe('a slot without any confirmation', () => {
  test('is predicted to be lost when the limit is reached at the present rate of WAL', () => {
    const { verdict, secondsUntilLost, bytesPerSecond, limit } = server({ limitBytes: 1024 * MB })
      .looks(13, { writes: 5 * MB })
      .forecast()
    expect(bytesPerSecond).toBeCloseTo(MB, 0)
    expect(secondsUntilLost).toBeCloseTo(1024 - 65, 0)
    expect([verdict, limit]).toEqual(['will be lost', 'size'])
  })

  test('is not predicted to be lost after a short interruption', () => {
    const hiccup = server({ limitBytes: 10 * GB }).looks(4, { writes: 5 * MB })
    expect(hiccup.forecast()).toMatchObject({ verdict: 'fine', secondsUntilLost: expect.closeTo(10_220, 0) })
    hiccup.looks(40, { writes: 5 * MB })
    expect(hiccup.forecast().verdict).toBe('will be lost')
  })

  test('is not predicted to be lost if it would last for more than a day', () => {
    const slow = server({ limitBytes: 10 * GB }).looks(720, { writes: 0.25 * MB })
    expect(slow.forecast().verdict).toBe('fine')
  })

  test('is soon lost with ten minutes left, or if the waiting rows take longer to send than the time left minus ten minutes', () => {
    const left = (seconds: number) => server({ limitBytes: (65 + seconds) * MB }).looks(13, { writes: 5 * MB })
    expect(left(601).forecast().verdict).toBe('will be lost')
    expect(left(599).forecast().verdict).toBe('soon lost')
    expect(left(1_801).forecast({ secondsToDrain: 1_200 }).verdict).toBe('will be lost')
    expect(left(1_799).forecast({ secondsToDrain: 1_200 }).verdict).toBe('soon lost')
  })

  test('is not predicted to be lost while a large transaction is delivered in time', () => {
    const large = server({ limitBytes: 1024 * MB }).looks(13, { writes: 5 * MB })
    expect(large.forecast({ isDelivering: true, secondsToDrain: 300 }).verdict).toBe('fine')
    expect(large.forecast({ isDelivering: true, secondsToDrain: 3_000 }).verdict).toBe('soon lost')
    expect(large.forecast({ isDelivering: true, secondsToDrain: null }).verdict).toBe('will be lost')
  })

  test('is not predicted to be lost by a server that writes nothing', () => {
    const quiet = server({ limitBytes: 64 * MB }).looks(1, { writes: MB })
    quiet.looks(100)
    expect(quiet.forecast()).toMatchObject({ verdict: 'fine', secondsUntilLost: null, bytesPerSecond: 0 })
  })

  test('is being lost over its limit, whatever the rate', () => {
    const over = server({ limitBytes: 64 * MB }).looks(1, { writes: 65 * MB })
    expect(over.forecast()).toMatchObject({ verdict: 'being lost', secondsUntilLost: 0 })
  })
})

describe('a slot with confirmations', () => {
  test('retains WAL in steps, which are no trend', () => {
    const busy = server({ limitBytes: 1024 * MB })
    // A slot releases WAL about every fifteen seconds, when the server logs its running transactions.
    const verdicts = Array.from({ length: 200 }, (_, n) =>
      busy.looks(1, { writes: 20 * MB, isConfirmed: true, releases: n % 4 === 3 }).forecast(),
    )
    expect(new Set(verdicts.map(({ verdict }) => verdict))).toEqual(new Set(['fine']))
    expect(Math.max(...verdicts.map(({ bytesPerSecond }) => bytesPerSecond ?? 0))).toBeLessThan(0.3 * MB)
  })

  test('is predicted to be lost if it releases nothing, for example behind a transaction that never ends', () => {
    const behind = server({ limitBytes: 1024 * MB }).looks(30, { writes: 5 * MB, isConfirmed: true })
    expect(behind.forecast({ isDelivering: true })).toMatchObject({
      verdict: 'will be lost',
      bytesPerSecond: expect.closeTo(MB, -4),
    })
  })

  test('has no known rate in the first minute', () => {
    const young = server({ limitBytes: 1024 * MB }).looks(12, { writes: 5 * MB, isConfirmed: true })
    expect(young.forecast()).toMatchObject({ bytesPerSecond: null, verdict: 'fine' })
  })

  test('after a standstill is fine as soon as it has released its retained WAL', () => {
    const back = server({ limitBytes: 1024 * MB }).looks(60, { writes: 5 * MB })
    expect(back.forecast().verdict).toBe('will be lost')
    back.looks(1, { writes: 5 * MB, isConfirmed: true, releases: true })
    expect(back.forecast()).toMatchObject({ verdict: 'fine', secondsUntilLost: null, bytesPerSecond: null })
  })
})

describe('a slot that retains much WAL', () => {
  test('without a limit is reported once it has done so for a minute', () => {
    const unlimited = server().looks(13, { writes: 100 * MB })
    expect(unlimited.forecast()).toMatchObject({ verdict: 'fine', secondsUntilLost: null, limit: null })
    unlimited.looks(12, { writes: 100 * MB })
    expect(unlimited.forecast()).toMatchObject({ verdict: 'holding', bytesPerSecond: expect.closeTo(20 * MB, 0) })
  })

  test('with a limit is reported once half of it is used', () => {
    const half = (used: number) =>
      server({ limitBytes: 100 * MB })
        .looks(1, { writes: used * MB })
        .looks(13)
        .forecast().verdict
    expect([half(49), half(51)]).toEqual(['fine', 'holding'])
  })
})

describe('an unused slot', () => {
  test.each([
    [29, 'fine', 31],
    [31, 'soon lost', 29],
  ] as const)('after %i of 60 seconds is %s', (seconds, verdict, left) => {
    const idle = server()
      .seen({ idle: { seconds, timeoutSeconds: 60 } })
      .looks(1)
    expect(idle.forecast()).toMatchObject({ verdict, secondsUntilLost: left, limit: 'idle' })
  })

  test('is reported in time, with more than two hours left of half a day', () => {
    const idle = server()
      .seen({ idle: { seconds: 40_000, timeoutSeconds: 50_000 } })
      .looks(1)
    expect(idle.forecast()).toMatchObject({ verdict: 'will be lost', secondsUntilLost: 10_000, limit: 'idle' })
  })
})

describe('earlier observations', () => {
  const stuck = () => server({ limitBytes: 1024 * MB }).looks(60, { writes: 5 * MB })

  test.each([
    ['another server', { systemIdentifier: '8' }],
    ['another timeline', { timeline: 2 }],
  ])('do not count for %s', (_, changed) => {
    const other = stuck().seen(changed).looks(1)
    expect(other.forecast()).toMatchObject({ bytesPerSecond: null, secondsUntilLost: null, verdict: 'fine' })
  })

  test.each(['lost', 'missing'] as const)('do not count for a slot that is %s, which retains nothing', (walStatus) => {
    const gone = stuck().seen({ walStatus, safeBytes: null, retainedBytes: 0 }).looks(1)
    expect(gone.forecast()).toMatchObject({ verdict: 'fine', heldBytes: 0, secondsUntilLost: null })
  })
})
