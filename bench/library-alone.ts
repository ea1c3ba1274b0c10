import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication'
import { publication, type Stand } from './stand.ts'

/** pg-logical-replication alone: the lower limit for everything built on it. */
export interface LibraryAlone extends AsyncDisposable {
  readonly lastCommitEndLsn: string | null
  /** Resolves at the commit that completes this number of changes since the start. */
  received(changes: number): Promise<void>
}

/** Creates a second slot over the same WAL. Requires the publication. */
export async function makeSlot({ pool }: Stand, slot: string): Promise<void> {
  await pool.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot])
}

/** Receives each change: the time of its commit, milliseconds of the epoch, and the code of its row. */
export type OnChange = (committedAtMs: number, code: string) => void

/** Reads a slot from its position. Acknowledges nothing, so that the slot can be read again. */
export function startLibraryAlone(url: string, slot: string, onChange?: OnChange): LibraryAlone {
  const patient = new URL(url)
  // Nothing is acknowledged, so without this setting the server would close the connection after a minute.
  patient.searchParams.set('options', '-c wal_sender_timeout=0')
  const service = new LogicalReplicationService(
    { connectionString: patient.href },
    { acknowledge: { auto: false, timeoutSeconds: 0 } },
  )
  let changes = 0
  let committedAtMs = 0
  let lastCommitEndLsn: string | null = null
  let waiting: { readonly changes: number; readonly resolve: () => void } | null = null
  let failed: (error: unknown) => void = () => undefined

  service.on('error', (error: unknown) => failed(error))
  service.on('data', (_lsn: string, message: Pgoutput.Message) => {
    switch (message.tag) {
      case 'begin':
        committedAtMs = Number(message.commitTime) / 1000
        return
      case 'commit':
        lastCommitEndLsn = message.commitEndLsn
        if (waiting && changes >= waiting.changes) waiting.resolve()
        return
      case 'insert':
      case 'update':
        changes++
        onChange?.(committedAtMs, String(message.new.code))
        return
      case 'delete':
        changes++
    }
  })
  const plugin = new PgoutputPlugin({ protoVersion: 1, publicationNames: [publication] })
  const streaming = service.subscribe(plugin, slot).catch((error: unknown) => failed(error))
  return {
    get lastCommitEndLsn() {
      return lastCommitEndLsn
    },
    received: (wanted) =>
      new Promise((resolve, reject) => {
        failed = reject
        waiting = { changes: wanted, resolve }
        if (changes >= wanted) resolve()
      }),
    async [Symbol.asyncDispose]() {
      await service.destroy()
      await streaming
    },
  }
}

/** Returns the time of this machine, finer than `Date.now()`, as the sandbox reads it. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
