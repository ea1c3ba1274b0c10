import type { Socket } from 'node:net'
import type { Client, ClientConfig } from 'pg'
import { LogicalReplicationService, PgoutputPlugin } from 'pg-logical-replication'
import { aborted } from '../../lifecycle/abort.ts'
import type { WalEvent } from '../../model/source/change.ts'
import { formatLsn, type Lsn } from '../../model/source/lsn.ts'
import { type Decoder, readCopyData, readCopyDataInPieces } from './copy-data.ts'
import { divertData } from './divert-data.ts'
import { FrameReader } from './frame-reader.ts'
import { type Pausable, SocketReading } from './socket-reading.ts'
import { encodeStandbyStatus } from './standby-status.ts'

/** Stream to request from the server. */
export interface RequestedStream {
  readonly slot: string
  readonly publication: string
  /** LSN at which the stream starts: the checkpoint. The server starts no earlier than the slot's confirmed flush LSN. */
  readonly startAt: Lsn
}

export interface StreamListener {
  readonly onStart: () => void
  /** Called for any bytes that arrive. */
  readonly onBytes: () => void
  /** Runs inside the socket's event handler, in the order of the stream. An exception ends the connection. */
  readonly onEvent: (event: WalEvent) => void
}

export interface ReplicationOptions {
  readonly client: ClientConfig
  readonly stream: RequestedStream
  /** Decoder, new for each connection because the server then describes its relations again. */
  readonly decoder: Decoder
  readonly listener: StreamListener
}

/**
 * One replication connection. The library connects and starts the replication. This class then reads the stream from the socket, because
 * the library and pg collect each message in memory before they look at it. A connection that has ended is not used again: the library
 * would resume at the last LSN received, not at the checkpoint.
 */
export class ReplicationClient {
  readonly #service: LogicalReplicationService
  readonly #options: ReplicationOptions
  #frames: FrameReader | null = null
  #reading: SocketReading | null = null
  #failure: Error | null = null
  readonly #closing = new AbortController()

  constructor(options: ReplicationOptions) {
    this.#options = options
    // With a timeout above 0 the library confirms the last LSN received, whatever `auto` says: fact 2
    // (docs/internals/dependency-facts.md).
    this.#service = new LogicalReplicationService(options.client, {
      acknowledge: { auto: false, timeoutSeconds: 0 },
      flowControl: { enabled: false },
    })
    this.#service.on('start', options.listener.onStart)
    this.#service.on('error', (error: Error) => this.#fail(error))
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Streams until the server ends it or `close` is called (resolves), or until the connection fails (rejects with the first failure). */
  async run(): Promise<void> {
    const { slot, publication, startAt } = this.#options.stream
    const plugin = new StartPlugin(publication, () => this.#readSocket())
    try {
      // A connection that is closed while it is being established never reports it.
      await Promise.race([this.#service.subscribe(plugin, slot, formatLsn(startAt)), aborted(this.#closing.signal)])
    } catch (error) {
      if (!this.#closed) this.#fail(asError(error))
    }
    await this.close()
    if (this.#failure) throw this.#failure
  }

  /** Reports that everything before `flushed` is stored. Written even while reading is paused. */
  sendStatus(flushed: Lsn, nowMs: number, replyRequested: boolean): void {
    this.#connection()?.sendCopyFromChunk(encodeStandbyStatus(flushed, nowMs, replyRequested))
  }

  /** Stops reading from the server (back-pressure). Data that has arrived is still passed on. */
  pause(): void {
    this.#socket()?.pause()
  }
  resume(): void {
    this.#socket()?.resume()
  }

  /** Disconnects immediately. Nothing is lost: the server sends again what was not acknowledged. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closing.abort()
    this.#frames?.stop()
    this.#reading?.stop()
    // A peer that is gone does not answer a Terminate message, so do not wait for one.
    const socket = this.#connection()?.stream
    const ended = this.#service.destroy().catch(() => undefined)
    socket?.destroy()
    await ended
  }

  /** Takes the messages of the replication from the socket and leaves all others to pg: errors, the command's response and its end. */
  #readSocket(): void {
    const connection = this.#connection()
    if (!connection) return
    const { decoder, listener } = this.#options
    const frames = new FrameReader({
      forward: (bytes) => passToPg(bytes),
      copyData: (bytes, from, to) => this.#deliver(readCopyData(decoder, bytes, from, to)),
      copyDataInPieces: (length) => readCopyDataInPieces(decoder, length, (event) => this.#deliver(event)),
    })
    const reading = new SocketReading(connection.stream, () => performance.now())
    this.#reading = reading
    const passToPg = divertData(connection.stream, (chunk) => {
      try {
        listener.onBytes()
        frames.read(chunk)
        reading.chunkRead(chunk.length)
      } catch (error) {
        this.#fail(asError(error))
      }
    })
    this.#frames = frames
  }

  #deliver(event: WalEvent | null): void {
    if (event !== null) this.#options.listener.onEvent(event)
  }

  /** Records the first failure and ends the stream permanently. */
  #fail(error: Error): void {
    if (this.#closed) return
    this.#failure ??= error
    void this.close()
  }

  #socket(): Pausable | undefined {
    return this.#reading ?? this.#connection()?.stream
  }

  /** Returns the library's private connection. The library has no public access to its socket, and none to send an exact flush position. */
  #connection(): { stream: Socket; sendCopyFromChunk(chunk: Buffer): void } | null {
    return this.#service['_connection' as never] as { stream: Socket; sendCopyFromChunk(chunk: Buffer): void } | null
  }
}

/** Starts pgoutput. The connection is idle before: the server has answered everything, and the next byte begins a message. */
class StartPlugin extends PgoutputPlugin {
  readonly #beforeStart: () => void

  constructor(publication: string, beforeStart: () => void) {
    super({ protoVersion: 1, publicationNames: [publication] })
    this.#beforeStart = beforeStart
  }

  override start(client: Client, slot: string, startAt: string) {
    this.#beforeStart()
    return super.start(client, slot, startAt)
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
