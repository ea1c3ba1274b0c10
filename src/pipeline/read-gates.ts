import { wait } from '../lifecycle/wait.ts'
import type { Lsn } from '../model/source/lsn.ts'
import type { ReadGates } from '../source/table/table-reader.ts'

const everyMs = 20

/** Server and stream that decide when a read of the table may be merged. */
export interface GatedServer {
  readonly isStandby: boolean
  /** True if a commit of the checkpoint store flushes the source's WAL. */
  readonly isStoreOnServer: boolean
  /** Returns the position up to which the stream was received. */
  readonly receivedLsn: () => Lsn
}

/** Returns the conditions under which a read is merged. Each rejects once the signal aborts. */
export function readGates({ isStandby, isStoreOnServer, receivedLsn }: GatedServer, signal: AbortSignal): ReadGates {
  return {
    passed: isStandby ? (lsn) => reached(lsn, async () => receivedLsn(), signal) : null,
    // Rule 14b: a crash of the server must not undo what was sent. Where the store is on the server, the write before a request flushes
    // it; and a standby streams only what its primary has flushed.
    flushed: isStandby || isStoreOnServer ? null : (lsn, flushedLsn) => reached(lsn, flushedLsn, signal),
  }
}

async function reached(lsn: Lsn, position: () => Promise<Lsn>, signal: AbortSignal): Promise<void> {
  while ((await position()) < lsn) {
    signal.throwIfAborted()
    await wait(everyMs, signal)
  }
}
