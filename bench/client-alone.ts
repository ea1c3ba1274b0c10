import { PgoutputDecoder } from '../src/decode/pgoutput.ts'
import type { WalEvent } from '../src/model/source/change.ts'
import { formatLsn, lsn } from '../src/model/source/lsn.ts'
import { sourceClientConfig } from '../src/source/connection/connection.ts'
import { ReplicationClient } from '../src/source/stream/replication-client.ts'
import type { LibraryAlone } from './library-alone.ts'
import { publication } from './stand.ts'

/** Runs the connector's replication client and decoder alone, to measure the cost of receiving. */
export function startClientAlone(url: string, slot: string): LibraryAlone {
  let changes = 0
  let lastCommitEndLsn: string | null = null
  let expected: { readonly changes: number; readonly resolve: () => void } | null = null
  let onFailure: (error: unknown) => void = () => undefined
  const receive = (event: WalEvent) => {
    if (event.kind === 'change') {
      changes++
    } else if (event.kind === 'commit' && expected && changes >= expected.changes) {
      lastCommitEndLsn = formatLsn(event.commitEndLsn)
      expected.resolve()
    }
  }
  const client = new ReplicationClient({
    client: sourceClientConfig({
      url,
      security: { mode: 'disable', host: 'localhost', rootCertificate: 'system', client: null },
      // Nothing is acknowledged, so without this setting the server would close the connection after a minute.
      environmentOptions: '-c wal_sender_timeout=0',
      applicationName: 'bench',
      connectTimeoutMs: 10_000,
    }),
    stream: { slot, publication, startAt: lsn(0n) },
    decoder: new PgoutputDecoder('all'),
    listener: { onStart: () => undefined, onBytes: () => undefined, onEvent: receive },
  })
  const streaming = client.run().catch((error: unknown) => onFailure(error))
  return {
    get lastCommitEndLsn() {
      return lastCommitEndLsn
    },
    received: (count) =>
      new Promise((resolve, reject) => {
        onFailure = reject
        expected = { changes: count, resolve }
      }),
    async [Symbol.asyncDispose]() {
      await client.close()
      await streaming
    },
  }
}
