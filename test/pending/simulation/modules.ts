import { PassLedger } from '../../../src/backfill/pass-ledger.ts'
import { Horizon } from '../../../src/checkpoint/horizon.ts'
import { Progress } from '../../../src/checkpoint/progress.ts'
import { Recorder } from '../../../src/checkpoint/recorder.ts'
import { createBackfill } from '../../../src/connector/backfill.ts'
import { createPumps } from '../../../src/connector/pumps.ts'
import { createTableReads } from '../../../src/connector/table-reads.ts'
import { Pending } from '../../../src/pending/pending.ts'

/** The modules that a simulation drives, as they are or with a rule taken out (`patched-source.ts`). */
export const sourceModules = {
  PassLedger,
  Horizon,
  Progress,
  Recorder,
  createBackfill,
  createPumps,
  createTableReads,
  Pending,
}
export type Modules = typeof sourceModules

/** Where each is. */
export const moduleFiles: Readonly<Record<keyof Modules, string>> = {
  PassLedger: 'backfill/pass-ledger.ts',
  Horizon: 'checkpoint/horizon.ts',
  Progress: 'checkpoint/progress.ts',
  Recorder: 'checkpoint/recorder.ts',
  createBackfill: 'connector/backfill.ts',
  createPumps: 'connector/pumps.ts',
  createTableReads: 'connector/table-reads.ts',
  Pending: 'pending/pending.ts',
}
