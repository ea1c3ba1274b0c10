import type { Columns } from '../decode/described-relation.ts'
import { PgoutputDecoder } from '../decode/pgoutput.ts'
import { ReplicationClient } from '../source/stream/replication-client.ts'
import { type StreamConsumer, StreamSession } from '../source/stream/stream-session.ts'
import type { Resources } from '../startup/resources.ts'

export interface SessionWiring {
  /** Columns of streamed rows: those of the mapping and the key. */
  readonly columns: Columns
  readonly consumer: StreamConsumer
  readonly signal: AbortSignal
}

/** Opens a replication connection from the checkpoint, with the server's present `wal_sender_timeout`. */
export async function openSession(
  resources: Resources,
  { columns, consumer, signal }: SessionWiring,
): Promise<StreamSession> {
  const { settings, source, runtime } = resources
  const { rows } = await source.pool.query<{ ms: string }>(
    `select setting as ms from pg_settings where name = 'wal_sender_timeout'`,
  )
  return new StreamSession({
    consumer,
    signal,
    clocks: runtime.clocks,
    walSenderTimeoutMs: Number(rows[0]?.ms ?? 60_000),
    maxStatusMs: runtime.intervals.statusMs,
    open: (listener) =>
      new ReplicationClient({
        client: source.clientConfig,
        stream: {
          slot: settings.source.slot,
          publication: settings.source.publication,
          startAt: consumer.durableLsn(),
        },
        decoder: new PgoutputDecoder(columns),
        listener,
      }),
  })
}

/** Returns the start time of the server, which changes on every start. */
export async function serverStartedAt({ source }: Pick<Resources, 'source'>): Promise<string> {
  const { rows } = await source.pool.query<{ at: string }>('select pg_postmaster_start_time()::text as at')
  return rows[0]?.at ?? ''
}
