import { expect, test } from 'vitest'
import { Progress } from '../../src/checkpoint/progress.ts'
import type { WalEvent } from '../../src/model/change.ts'
import { type Lsn, lsn } from '../../src/model/lsn.ts'
import { StreamSession } from '../../src/source/stream-session.ts'

const commit: WalEvent = { kind: 'commit', commitEndLsn: lsn(110n) }
const asks = (at: bigint): WalEvent => ({ kind: 'keepalive', lsn: lsn(at), replyRequested: true })

/** A session over a connection that notes what is asked of it. */
function startSession(room: { there: boolean }) {
  const asked: string[] = []
  let bring: (event: WalEvent) => void = () => undefined
  const { durableLsn } = new Progress(lsn(100n))
  const session = new StreamSession({
    walSenderTimeoutMs: 60_000,
    durableLsn: () => durableLsn,
    onStart: () => undefined,
    receive: () => undefined,
    hasRoom: () => room.there,
    signal: new AbortController().signal,
    monotonicMs: () => 0,
    wallClockMs: () => 0,
    open: ({ onEvent }) => {
      bring = onEvent
      return {
        run: async () => undefined,
        pause: () => void asked.push('pause'),
        resume: () => void asked.push('resume'),
        close: async () => void asked.push('close'),
        sendStatus: (flushed: Lsn) => void asked.push(`status ${flushed}`),
      }
    },
  })
  return { session, asked, bring: (event: WalEvent) => bring(event) }
}

test('without room the connection is paused, once, and read on from once there is room', () => {
  const room = { there: true }
  const { session, asked, bring } = startSession(room)
  bring(commit)
  expect(asked).toEqual([])
  room.there = false
  bring(commit)
  // What the socket had read already still comes.
  bring(commit)
  session.resumeIfRoom()
  expect(asked).toEqual(['pause'])
  room.there = true
  session.resumeIfRoom()
  session.resumeIfRoom()
  expect(asked).toEqual(['pause', 'resume'])
})

test('a server that asks again with no WAL in between shuts down, and is let go of', async () => {
  const { session, asked, bring } = startSession({ there: true })
  bring(asks(110n))
  bring(commit)
  bring(asks(110n))
  expect(asked).toEqual(['status 100', 'status 100'])
  bring(asks(110n))
  expect(asked.slice(2)).toEqual(['status 100', 'close'])
  expect(await session.run()).toBe('let go')
})
