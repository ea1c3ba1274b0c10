import type { Status } from '../../src/model/status/status.ts'

/** Status of a connector that streams without events. */
export const quietStatus: Status = {
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
  problems: [],
}
