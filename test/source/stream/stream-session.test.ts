import { expect, test } from 'vitest'
import type { WalEvent } from '../../../src/model/source/change.ts'
import { type Lsn, lsn } from '../../../src/model/source/lsn.ts'
import { StreamSession } from '../../../src/source/stream/stream-session.ts'
import { durable } from '../../checkpoint/store/durable.ts'

const commit: WalEvent = { kind: 'commit', commitEndLsn: lsn(110n) }
const asks = (at: bigint): WalEvent => ({ kind: 'keepalive', lsn: lsn(at), replyRequested: true })

/** Starts a session over a connection that records the calls. */
function startSession() {
  const asked: string[] = []
  let bring: (event: WalEvent) => void = () => undefined
  const session = new StreamSession({
    walSenderTimeoutMs: 60_000,
    consumer: { durableLsn: () => durable(lsn(100n)), onStart: () => undefined, receive: () => undefined },
    signal: new AbortController().signal,
    clocks: { monotonicMs: () => 0, wallClockMs: () => 0 },
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

test('the connection is paused once, and resumed once, however often that is requested', () => {
  const { session, asked, bring } = startSession()
  bring(commit)
  expect(asked).toEqual([])
  session.pause()
  // Messages that the socket has read already still arrive.
  bring(commit)
  session.pause()
  expect(asked).toEqual(['pause'])
  session.resume()
  session.resume()
  expect(asked).toEqual(['pause', 'resume'])
})

test('a server that requests a reply again without WAL in between shuts down, and the session disconnects', async () => {
  const { session, asked, bring } = startSession()
  bring(asks(110n))
  bring(commit)
  bring(asks(110n))
  expect(asked).toEqual(['status 100', 'status 100'])
  bring(asks(110n))
  expect(asked.slice(2)).toEqual(['status 100', 'close'])
  expect(await session.run()).toBe('released')
})
