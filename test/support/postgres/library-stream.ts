import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication'
import type { TestDatabase } from '../postgres.ts'
import { until } from '../until.ts'

type Tags = Pgoutput.Message['tag']
type Of<Tag extends Tags> = Extract<Pgoutput.Message, { readonly tag: Tag }>
type ServiceConfig = NonNullable<ConstructorParameters<typeof LogicalReplicationService>[1]>

/** Stream of pg-logical-replication as its documentation shows it, without code of this project. */
export interface LibraryStream extends AsyncDisposable {
  readonly service: LogicalReplicationService
  readonly messages: readonly Pgoutput.Message[]
  readonly errors: readonly Error[]
  /** Resolves with the newest message of a kind that passes the check, once there is one. */
  when<Tag extends Tags>(tag: Tag, check?: (message: Of<Tag>) => boolean): Promise<Of<Tag>>
  /** Subscribes again with the same service, without a position. */
  subscribeAgain(): Promise<void>
}

export interface LibraryStreamOptions extends Partial<ServiceConfig> {
  /** Runs in the data handler of the library. */
  readonly onData?: (message: Pgoutput.Message) => void
  readonly onKeepalive?: (service: LogicalReplicationService, lsn: string, replyRequested: boolean) => void
}

/**
 * Starts a stream. Requires the slot `slotOf(database)` and the publication `published`. Acknowledges nothing unless the options say so.
 */
export async function libraryStream(
  database: TestDatabase,
  { onData, onKeepalive, ...config }: LibraryStreamOptions = {},
): Promise<LibraryStream> {
  const service = new LogicalReplicationService(
    { connectionString: database.url },
    { acknowledge: { auto: false, timeoutSeconds: 0 }, ...config },
  )
  const messages: Pgoutput.Message[] = []
  const errors: Error[] = []
  service.on('data', (_lsn: string, message: Pgoutput.Message) => {
    messages.push(message)
    onData?.(message)
  })
  service.on('error', (error: Error) => errors.push(error))
  service.on('heartbeat', (lsn: string, _timestamp: number, replyRequested: boolean) =>
    onKeepalive?.(service, lsn, replyRequested),
  )
  const subscribe = async () => {
    const plugin = new PgoutputPlugin({ protoVersion: 1, publicationNames: ['published'] })
    service.subscribe(plugin, slotOf(database)).catch((error: Error) => errors.push(error))
    await until(() => !service.isStop())
  }
  await subscribe()
  return {
    service,
    messages,
    errors,
    when: <Tag extends Tags>(tag: Tag, check: (message: Of<Tag>) => boolean = () => true) =>
      until(() => messages.filter((message) => isOf(message, tag)).findLast(check)),
    async subscribeAgain() {
      await service.stop()
      await subscribe()
    },
    [Symbol.asyncDispose]: async () => {
      await service.destroy()
    },
  }
}

function isOf<Tag extends Tags>(message: Pgoutput.Message, tag: Tag): message is Of<Tag> {
  return message.tag === tag
}

/** Returns the slot name of a database. Slots belong to the whole server, so each database has its own name. */
export function slotOf(database: TestDatabase): string {
  return `slot_${database.name}`
}

/** Publishes a table and creates the slot. */
export async function publish(database: TestDatabase, published = 'table patients'): Promise<void> {
  await database.query(`create publication published for ${published}`)
  await database.query(`select pg_create_logical_replication_slot('${slotOf(database)}', 'pgoutput')`)
}

/** Returns the slot's confirmed flush position, as the server reports it. */
export async function confirmedFlushLsn(database: TestDatabase): Promise<string> {
  const [row] = await database.query(
    'select confirmed_flush_lsn as lsn from pg_replication_slots where slot_name = $1',
    [slotOf(database)],
  )
  return row?.lsn ?? ''
}
