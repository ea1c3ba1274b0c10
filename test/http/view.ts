import type { PageView } from '../../src/http/page-view.ts'
import { noDeadLetters } from '../../src/model/dead-letter-overview.ts'
import type { Status } from '../../src/model/status.ts'

export const status: Status = {
  state: 'streaming',
  reason: null,
  source: {
    table: 'public.patients',
    slot: 'mediquo_cdc',
    serverVersion: '18.4',
    receivedLsn: '0/1',
    checkpointLsn: '0/1',
    currentLsn: '0/1',
    lagBytes: 0,
    retainedBytes: 0,
    walStatus: 'reserved',
    safeWalBytes: null,
    retainedBytesPerSecond: null,
    secondsUntilSlotLost: null,
    secondsToDrain: null,
  },
  backfill: { state: 'none', rowsRead: 0, rowsEstimated: 0, secondsLeft: null, startedAt: null, finishedAt: null },
  delivery: {
    pending: 0,
    inFlight: 0,
    requestsLastMinute: 0,
    requestsPerMinute: 600,
    delivered: 0,
    unchanged: 0,
    lastDeliveredAt: null,
    lastError: null,
  },
  deadLetters: 0,
  warnings: [],
}

/** What the page is made from, all well but for what is given. */
export function view(given: Omit<Partial<PageView>, 'status'> & { readonly status?: Partial<Status> } = {}): PageView {
  return {
    version: '0.0.0',
    healthy: true,
    trouble: null,
    isSlotSoonLost: false,
    driftRatio: 0,
    flow: { live: 0, backfill: 0, inFlight: 0 },
    samples: [],
    deadLetters: noDeadLetters,
    monotonicMs: 3_600_000,
    wallClockMs: Date.parse('2026-01-01T00:00:00Z'),
    ...given,
    status: { ...status, ...given.status },
  }
}
