import { Progress } from '../../../src/checkpoint/progress.ts'
import type { DurableLsn, Lsn } from '../../../src/model/source/lsn.ts'

/** Makes a stored position. Only the progress ledger makes one otherwise. */
export function durable(lsn: Lsn): DurableLsn {
  return new Progress(lsn).durableLsn
}
