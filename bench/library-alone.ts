import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication'
import { publication, type Stand } from './stand.ts'

/** pg-logical-replication with nothing behind it: the floor under whatever is built on it. */
export interface LibraryAlone extends AsyncDisposable {
  readonly lastCommitEndLsn: string | null
  /** Resolves at the commit that completes this many changes since the start. */
  received(changes: number): Promise<void>
}

/** A second slot over the same WAL; the publication must be there. */
export async function makeSlot({ pool }: Stand, slot: string): Promise<void> {
  await pool.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot])
}

/** Told of each change: when its transaction was committed, milliseconds of the epoch, and whose row it is. */
export type OnChange = (committedAtMs: number, code: string) => void

/** Reads a slot from where it stands. It acknowledges nothing, so that the slot can be read again. */
export function startLibraryAlone(url: string, slot: string, onChange?: OnChange): LibraryAlone {
  const patient = new URL(url)
  // Nothing is acknowledged: the server would take it for gone after a minute.
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

/** The clock of this machine, finer than `Date.now()`, as the sandbox reads it. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
