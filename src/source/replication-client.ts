import type { Socket } from 'node:net'
import type { ClientConfig } from 'pg'
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication'
import { BinaryReader } from 'pg-logical-replication/dist/output-plugins/pgoutput/binary-reader.js'
import { aborted } from '../lifecycle/aborted.ts'
import type { WalEvent } from '../model/change.ts'
import { formatLsn, type Lsn, parseLsn } from '../model/lsn.ts'
import { isMiscounted, MalformedMessageError } from './malformed-message.ts'
import { encodeStandbyStatus } from './standby-status.ts'

/** Where a value stands in its message. */
interface Place {
  readonly bytes: Buffer
  readonly from: number
  readonly to: number
}

// The library's own decoder drops a U+FEFF at the start of every value and name. A key that begins with one would then name
// another row in the stream than in a table read, which would find that row gone. And it makes a Buffer of each value before it
// reads the text, which takes longer than all the rest of reading it.
Object.assign(BinaryReader.prototype, {
  read(this: { readonly _b: Buffer; _p: number; checkSize(length: number): void }, length: number): Place {
    if (length < 0) throw new RangeError('a value of less than no bytes')
    this.checkSize(length)
    const from = this._p
    this._p += length
    return { bytes: this._b, from, to: this._p }
  },
  decodeText(place: Place | Buffer): string {
    // UTF-8, the default: to look its name up takes longer than to read a short text.
    return Buffer.isBuffer(place) ? place.toString() : place.bytes.toString(undefined, place.from, place.to)
  },
})

/** How pgoutput's messages become WAL events; supplied by `decode/`. Null: nothing to pass on. */
export type Decode = (message: Pgoutput.Message, bytes: number) => WalEvent | null

export interface ReplicationOptions {
  readonly client: ClientConfig
  readonly slot: string
  readonly publication: string
  /** Where the stream starts: the checkpoint. The server goes no further back than the slot's confirmed flush LSN. */
  readonly startAt: Lsn
  readonly decode: Decode
  readonly onStart: () => void
  /** Runs inside the socket's event handler, in the order of the stream. What it throws ends the connection. */
  readonly onEvent: (event: WalEvent) => void
}

/** One replication connection. Once it has ended it is not used again: a service resumes at the last LSN received, not at the checkpoint. */
export class ReplicationClient {
  readonly #service: LogicalReplicationService
  readonly #options: ReplicationOptions
  #failure: Error | null = null
  readonly #closing = new AbortController()

  constructor(options: ReplicationOptions) {
    this.#options = options
    // With a timeout above 0 the library confirms the last LSN received, whatever `auto` says: TRAPS 2.
    this.#service = new LogicalReplicationService(options.client, {
      acknowledge: { auto: false, timeoutSeconds: 0 },
      flowControl: { enabled: false },
    })
    this.#service.on('start', options.onStart)
    this.#service.on('error', (error: Error) => this.#fail(error))
    this.#service.on('data', (_lsn: string, event: WalEvent | null) => this.#pass(event))
    this.#service.on('heartbeat', (lsn: string, _timestamp: number, replyRequested: boolean) =>
      this.#pass({ kind: 'keepalive', lsn: parseLsn(lsn), replyRequested }),
    )
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Streams until the server ends it or `close` is called (resolves), or until it breaks (rejects with the first failure). */
  async run(): Promise<void> {
    const { slot, publication, startAt, decode } = this.#options
    const plugin = new TextPlugin(publication, decode, (error) => this.#fail(error))
    try {
      // A connection that is closed while it is being made never says so.
      await Promise.race([this.#service.subscribe(plugin, slot, formatLsn(startAt)), aborted(this.#closing.signal)])
    } catch (error) {
      if (!this.#closed) this.#fail(error instanceof Error ? error : new Error(String(error)))
    }
    await this.close()
    if (this.#failure) throw this.#failure
  }

  /** Reports that everything before `flushed` is stored. Written even while reading is paused. */
  sendStatus(flushed: Lsn, nowMs: number, replyRequested: boolean): void {
    this.#connection()?.sendCopyFromChunk(encodeStandbyStatus(flushed, nowMs, replyRequested))
  }

  /** Back-pressure: the server is no longer read from; what has arrived is still passed on. */
  pause(): void {
    this.#connection()?.stream.pause()
  }
  resume(): void {
    this.#connection()?.stream.resume()
  }

  /** Lets go at once. Nothing that was not acknowledged is lost. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closing.abort()
    // A peer that is gone answers no goodbye: the socket is closed without waiting for one.
    const socket = this.#connection()?.stream
    const ended = this.#service.destroy().catch(() => undefined)
    socket?.destroy()
    await ended
  }

  #pass(event: WalEvent | null): void {
    if (event === null || this.#failure || this.#closed) return
    try {
      this.#options.onEvent(event)
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** The first failure ends the stream for good; what the library emits after it is not looked at. */
  #fail(error: Error): void {
    if (this.#closed) return
    this.#failure ??= error
    void this.close()
  }

  /** The narrow way past the library: it has no public door to its socket, nor one that writes an exact flush position. */
  #connection(): { stream: Socket; sendCopyFromChunk(chunk: Buffer): void } | null {
    return this.#service['_connection' as never] as { stream: Socket; sendCopyFromChunk(chunk: Buffer): void } | null
  }
}

/** pgoutput with every column as the server's text, and with errors that reach the stream instead of the socket's handler. */
export class TextPlugin extends PgoutputPlugin {
  readonly #decode: Decode
  readonly #onError: (error: Error) => void

  constructor(publication: string, decode: Decode, onError: (error: Error) => void) {
    super({ protoVersion: 1, publicationNames: [publication] })
    this.#decode = decode
    this.#onError = onError
  }

  // The library hands on whatever this returns as its `data`.
  override parse(buffer: Buffer): never {
    try {
      return this.#decode(this.#message(buffer), buffer.length) as never
    } catch (error) {
      this.#onError(error instanceof Error ? error : new Error(String(error)))
      return null as never
    }
  }

  /** @throws {MalformedMessageError} in place of the parser's own errors, which may quote a byte of a value. */
  #message(buffer: Buffer): Pgoutput.Message {
    if (isMiscounted(buffer)) throw new MalformedMessageError(buffer)
    let message: Pgoutput.Message
    try {
      message = super.parse(buffer)
    } catch {
      throw new MalformedMessageError(buffer)
    }
    // TRAPS 5: pg's global parsers would make a local-midnight Date of a birth date.
    if (message.tag === 'relation') for (const column of message.columns) column.parser = asText
    return message
  }
}

function asText(value: string): string {
  return value
}
