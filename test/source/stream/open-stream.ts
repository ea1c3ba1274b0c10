import { PgoutputDecoder } from '../../../src/decode/pgoutput.ts'
import type { WalEvent } from '../../../src/model/source/change.ts'
import { type Lsn, lsn } from '../../../src/model/source/lsn.ts'
import { sourceClientConfig } from '../../../src/source/connection/connection.ts'
import type { Decoder } from '../../../src/source/stream/copy-data.ts'
import { ReplicationClient } from '../../../src/source/stream/replication-client.ts'
import { slotOf } from '../../support/postgres/library-stream.ts'
import { unsecured } from '../../support/postgres/unsecured.ts'
import type { TestDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

type Kind = WalEvent['kind']
type Of<K extends Kind> = Extract<WalEvent, { readonly kind: K }>
type Changed = Of<'change'>['change']

/** Replication client that has started, with the events that it passes on. */
export interface OpenStream extends AsyncDisposable {
  readonly client: ReplicationClient
  readonly events: readonly WalEvent[]
  /** Settles as `run` does. */
  readonly ended: Promise<void>
  of<K extends Kind>(kind: K): Of<K>[]
  /** Returns the `code` of each inserted row, in the order of the stream. */
  inserted(): string[]
  /** Resolves with the first change that passes the check. */
  whenChange(check: (change: Changed) => boolean): Promise<Changed>
  /** Resolves once the server has received everything that was sent to it: it answers in order. */
  roundTrip(): Promise<void>
}

export interface OpenStreamOptions {
  readonly startAt?: Lsn
  readonly decoder?: Decoder
  readonly onEvent?: (event: WalEvent) => void
  readonly environmentOptions?: string
}

/** Streams the publication of `publish(database)`. Acknowledges nothing unless the test does it. */
export async function openStream(database: TestDatabase, options: OpenStreamOptions = {}): Promise<OpenStream> {
  const { startAt = lsn(0n), decoder = new PgoutputDecoder('all'), onEvent, environmentOptions = '' } = options
  const events: WalEvent[] = []
  let started = false
  const client = new ReplicationClient({
    client: sourceClientConfig({
      security: unsecured,
      url: database.url,
      environmentOptions,
      applicationName: 'test',
      connectTimeoutMs: 10_000,
    }),
    stream: { slot: slotOf(database), publication: 'published', startAt },
    decoder,
    listener: {
      onBytes: () => undefined,
      onStart: () => {
        started = true
      },
      onEvent: (event) => {
        events.push(event)
        onEvent?.(event)
      },
    },
  })
  const ended = client.run()
  await Promise.race([until(() => started), ended])
  ended.catch(() => undefined)
  const of = <K extends Kind>(kind: K) => events.filter((event): event is Of<K> => event.kind === kind)
  return {
    client,
    events,
    ended,
    of,
    inserted: () =>
      of('change').flatMap(({ change }) => (change.operation === 'insert' ? [String(change.row.get('code'))] : [])),
    whenChange: (check) => until(() => of('change').find(({ change }) => check(change))?.change),
    async roundTrip() {
      const before = of('keepalive').length
      client.sendStatus(lsn(1n), Date.now(), true)
      await until(() => of('keepalive').length > before)
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
}
