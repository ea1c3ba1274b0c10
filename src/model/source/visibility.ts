declare const xidBrand: unique symbol

/** A transaction id of 64 bits (epoch included), as `pg_current_xact_id()` prints it. */
export type Xid = bigint & { readonly [xidBrand]: true }

/** Snapshot of a table read: `pg_current_snapshot()`. PostgreSQL manual, "Transaction ID and Snapshot Information Functions". */
export interface Snapshot {
  readonly xmin: Xid
  readonly xmax: Xid
  readonly inProgress: ReadonlySet<Xid>
}

/** A snapshot that sees every transaction, for a read that is ordered by positions. */
export const seesAll: Snapshot = { xmin: (1n << 64n) as Xid, xmax: (1n << 64n) as Xid, inProgress: new Set() }

/** Returns a transaction id from the server's 64-bit text or number. */
export function xid(value: bigint): Xid {
  return value as Xid
}

/** Reads `xmin:xmax:xip,xip`. @throws {RangeError} if the text is of another form. */
export function parseSnapshot(text: string): Snapshot {
  const match = /^(\d+):(\d+):((?:\d+(?:,\d+)*)?)$/.exec(text)
  if (!match) throw new RangeError(`not a snapshot: ${JSON.stringify(text)}`)
  const [, xmin = '', xmax = '', list = ''] = match
  const inProgress = new Set(list === '' ? [] : list.split(',').map((id) => xid(BigInt(id))))
  return { xmin: xid(BigInt(xmin)), xmax: xid(BigInt(xmax)), inProgress }
}

/** Returns true if the transaction had left the server's list of running ones when the snapshot was taken (rules: `sees`). */
export function sees(snapshot: Snapshot, id: Xid): boolean {
  return id < snapshot.xmax && !snapshot.inProgress.has(id)
}

/**
 * Widens the 32 bits that the stream carries by the nearest 64-bit id known: ids within 2^31 of each other are unambiguous.
 * PostgreSQL manual, "Preventing Transaction ID Wraparound Failures".
 */
export function widenXid(low: number, near: Xid): Xid {
  const base = BigInt.asUintN(32, near)
  const distance = BigInt.asIntN(32, BigInt(low >>> 0) - base)
  const wide = near + distance
  return xid(wide < 0n ? BigInt(low >>> 0) : wide)
}
