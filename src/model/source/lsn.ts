declare const lsnBrand: unique symbol
declare const durableBrand: unique symbol

/** A position in the server's WAL, in bytes. Text (`16/B374D848`) only at the edges. PostgreSQL manual, "pg_lsn Type". */
export type Lsn = bigint & { readonly [lsnBrand]: true }

/** A position stored in the checkpoint table. Only `checkpoint/progress.ts` creates one, and only one may be acknowledged. */
export type DurableLsn = Lsn & { readonly [durableBrand]: true }

const pattern = /^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/

/** Returns the WAL position for a number of bytes. @throws {RangeError} if it is negative or not below 2^64. */
export function lsn(bytes: bigint): Lsn {
  if (bytes < 0n || bytes > 0xffff_ffff_ffff_ffffn) throw new RangeError(`not a WAL position: ${bytes}`)
  return bytes as Lsn
}

/** Reads the server's text form. @throws {RangeError} if the text is not of the form `X/X`. */
export function parseLsn(text: string): Lsn {
  if (!pattern.test(text)) throw new RangeError(`not a WAL position: ${JSON.stringify(text)}`)
  const slash = text.indexOf('/')
  const high = Number.parseInt(text.slice(0, slash), 16)
  const low = Number.parseInt(text.slice(slash + 1), 16)
  return lsn((BigInt(high) << 32n) | BigInt(low))
}

/** Returns the server's text form, upper-case hexadecimal without padding. */
export function formatLsn(position: Lsn): string {
  return `${(position >> 32n).toString(16).toUpperCase()}/${(position & 0xffff_ffffn).toString(16).toUpperCase()}`
}

export function maxLsn(a: Lsn, b: Lsn): Lsn {
  return a > b ? a : b
}
