import { backOffMs } from '../../lifecycle/back-off.ts'
import { wait } from '../../lifecycle/wait.ts'
import { endsPipeline } from '../../model/failure/failure.ts'
import { kindOf } from '../../model/failure/kind-of.ts'
import { describeConnectionFailure } from '../connection/connection-failure.ts'
import type { SessionEnd, StreamSession } from './stream-session.ts'

/** State of the stream as the connector shows it, with the reason if it does not stream. */
export type StreamState =
  | { readonly kind: 'streaming' }
  | { readonly kind: 'standby'; readonly reason: string }
  | { readonly kind: 'disconnected'; readonly reason: string }

export interface FollowOptions {
  /** Opens a session for each attempt, from the checkpoint. Can reject, since it first asks the server for its settings. */
  readonly newSession: () => Promise<StreamSession>
  readonly onState: (state: StreamState) => void
  /** Returns true if the session has shown that it works. The back-off then starts from the first delay again. */
  readonly wasHealthy: () => boolean
  /** Returns the server's start time, by an ordinary connection. A different time means that the server was restarted. */
  readonly serverStartedAt: () => Promise<string>
  readonly signal: AbortSignal
  readonly random: () => number
}

/** Pause after a server that shuts down has been released: a client that returns immediately would delay it again. fact 12e. */
const quietAfterReleaseMs = 10_000
const standbyIntervalMs = 1_000

/** Follows the WAL through every kind of disconnection until the signal aborts. @throws errors that end the pipeline. */
export async function followWal(options: FollowOptions): Promise<void> {
  const { signal, onState } = options
  let attempt = 0
  while (!signal.aborted) {
    let end: SessionEnd | null = null
    let failure: unknown = null
    let startedAt: string | null = null
    try {
      startedAt = await options.serverStartedAt()
      end = await (await options.newSession()).run()
    } catch (error) {
      failure = error
      if (endsPipeline(kindOf(error))) throw error
    }
    if (signal.aborted || end === 'stopped') return
    attempt = options.wasHealthy() ? 1 : attempt + 1
    const kind = failure === null ? null : kindOf(failure)
    const reason =
      kind === null ? `the replication connection was ${end}` : describeConnectionFailure(failure, 'the source')
    if (kind === 'slot in use') {
      onState({ kind: 'standby', reason })
      await wait(standbyIntervalMs, signal)
    } else if (end === 'released' || end === 'ended by the server' || kind === 'server closing') {
      onState({ kind: 'disconnected', reason })
      await untilServerIsNew(options, startedAt)
    } else {
      onState({ kind: 'disconnected', reason })
      await wait(100 + backOffMs(attempt, options.random(), { baseMs: 250, maxMs: 30_000 }), signal)
    }
  }
}

/** Waits ten seconds, or until the server was restarted. */
async function untilServerIsNew(options: FollowOptions, startedAt: string | null): Promise<void> {
  const steps = quietAfterReleaseMs / 500
  for (let step = 0; step < steps && !options.signal.aborted; step++) {
    await wait(500, options.signal)
    const now = await options.serverStartedAt().catch(() => null)
    if (now !== null && startedAt !== null && now !== startedAt) return
  }
}
