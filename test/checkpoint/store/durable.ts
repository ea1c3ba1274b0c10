import { Progress } from '../../../src/checkpoint/progress.ts'
import type { DurableLsn, Lsn } from '../../../src/model/source/lsn.ts'

/** A position that is stored: only the progress ledger makes one. */
export function durable(lsn: Lsn): DurableLsn {
  return new Progress(lsn).durableLsn
}
