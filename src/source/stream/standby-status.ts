import { defaultIntervals } from '../../model/intervals.ts'
import type { Lsn } from '../../model/source/lsn.ts'

/** Milliseconds from the Unix epoch to PostgreSQL's, 2000-01-01. */
const postgresEpochMs = 946_684_800_000

/**
 * Encodes a standby status update whose write, flush and apply positions are exactly `flushed`: the end of the stored changes, not one byte
 * more. PostgreSQL manual, "Streaming Replication Protocol", Standby status update.
 */
export function encodeStandbyStatus(flushed: Lsn, nowMs: number, replyRequested: boolean): Buffer {
  const message = Buffer.alloc(34)
  message.write('r', 0, 'latin1')
  for (const at of [1, 9, 17]) message.writeBigUInt64BE(flushed, at)
  message.writeBigInt64BE(BigInt(Math.round((nowMs - postgresEpochMs) * 1000)), 25)
  message.writeUInt8(replyRequested ? 1 : 0, 33)
  return message
}

/**
 * Returns the interval between two statuses, milliseconds: well below `wal_sender_timeout`, and at most `maxMs`.
 * @param walSenderTimeoutMs the server's setting, 0 for none.
 */
export function statusIntervalMs(walSenderTimeoutMs: number, maxMs = defaultIntervals.statusMs): number {
  if (walSenderTimeoutMs <= 0) return maxMs
  return Math.max(50, Math.min(maxMs, Math.floor(walSenderTimeoutMs / 4)))
}

/** Returns the silence after which a connection counts as dead, milliseconds. The server answers each of our statuses. */
export function silenceLimitMs(walSenderTimeoutMs: number): number {
  return walSenderTimeoutMs <= 0 ? 120_000 : Math.max(2_000, 2 * walSenderTimeoutMs)
}
