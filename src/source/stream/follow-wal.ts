import { backOffMs } from '../../lifecycle/back-off.ts'
import { wait } from '../../lifecycle/wait.ts'
import { describeConnectionFailure } from '../connection/connection-failure.ts'
import type { SessionEnd, StreamSession } from './stream-session.ts'

/** What the connector shows of the stream: why it does not stream, if it does not. */
export type StreamState =
  | { readonly kind: 'streaming' }
  | { readonly kind: 'standby'; readonly reason: string }
  | { readonly kind: 'disconnected'; readonly reason: string }

export interface FollowOptions {
  /** A new session for each attempt, from the checkpoint. May reject: the server is asked for its settings first. */
  readonly newSession: () => Promise<StreamSession>
  readonly onState: (state: StreamState) => void
  /** A sign of health since the session began: the back-off starts from the first delay. */
  readonly wasHealthy: () => boolean
  /** The server's start time by an ordinary connection: another than before means that it was restarted. */
  readonly serverStartedAt: () => Promise<string>
  /** A failure that no new attempt fixes. */
  readonly isFatal: (error: unknown) => boolean
  readonly signal: AbortSignal
  readonly random: () => number
}

/** After disconnecting from a server that shuts down, a client that returns immediately would hold it up again: TRAPS 12e. */
const quietAfterReleaseMs = 10_000
const standbyIntervalMs = 1_000

/** Follows the WAL through every kind of disconnection until the signal aborts. @throws what `isFatal` says is fatal. */
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
      if (options.isFatal(error)) throw error
    }
    if (signal.aborted || end === 'stopped') return
    attempt = options.wasHealthy() ? 1 : attempt + 1
    const described = failure === null ? null : describeConnectionFailure(failure, 'the source')
    const reason = described?.sentence ?? `the replication connection was ${end}`
    if (described?.kind === 'slot in use') {
      onState({ kind: 'standby', reason })
      await wait(standbyIntervalMs, signal)
    } else if (end === 'released' || end === 'ended by the server' || described?.kind === 'shutting down') {
      onState({ kind: 'disconnected', reason })
      await untilServerIsNew(options, startedAt)
    } else {
      onState({ kind: 'disconnected', reason })
      await wait(100 + backOffMs(attempt, options.random(), { baseMs: 250, maxMs: 30_000 }), signal)
    }
  }
}

/** Leaves the server alone for ten seconds, or until it was restarted. */
async function untilServerIsNew(options: FollowOptions, startedAt: string | null): Promise<void> {
  const steps = quietAfterReleaseMs / 500
  for (let step = 0; step < steps && !options.signal.aborted; step++) {
    await wait(500, options.signal)
    const now = await options.serverStartedAt().catch(() => null)
    if (now !== null && startedAt !== null && now !== startedAt) return
  }
}
