import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SocketReading } from '../../../src/source/stream/socket-reading.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Reads a socket that notes how often it was paused and resumed. */
function startReading(isPaused = false) {
  const socket = { paused: isPaused, pauses: 0 }
  const reading = new SocketReading(
    {
      pause: () => {
        socket.paused = true
        socket.pauses++
      },
      resume: () => {
        socket.paused = false
      },
      isPaused: () => socket.paused,
    },
    () => performance.now(),
  )
  /** Reads chunks, each this many milliseconds after the one before. */
  const read = (chunks: number, bytes: number, apartMs: number) => {
    for (let at = 0; at < chunks; at++) {
      vi.advanceTimersByTime(apartMs)
      reading.chunkRead(bytes)
    }
  }
  return { socket, reading, read }
}

/** Reads as much as makes a stream busy: 40 kB in 20 ms. */
function startBusy() {
  const started = startReading()
  started.read(40, 1_000, 0.5)
  expect(started.socket.pauses).toBeGreaterThan(0)
  return started
}

test('a lone change, and a few that are committed together, are read immediately', () => {
  const { socket, read } = startReading()
  for (let at = 0; at < 20; at++) {
    vi.advanceTimersByTime(100)
    read(12, 400, 0)
  }
  expect(socket.pauses).toBe(0)
})

test('a busy stream is read once a millisecond', () => {
  const { socket } = startBusy()
  expect(socket.paused).toBe(true)
  vi.advanceTimersByTime(1)
  expect(socket.paused).toBe(false)
})

test('a stream that was busy a while ago is read immediately', () => {
  const { socket, read } = startBusy()
  vi.advanceTimersByTime(1_000)
  const before = socket.pauses
  read(5, 400, 5)
  expect(socket.pauses).toBe(before)
})

test('chunks that are large already are read without a pause', () => {
  const { socket, read } = startReading()
  read(100, 64 * 1024, 0.5)
  expect(socket.pauses).toBe(0)
})

test('back-pressure outlasts the moment in which data gathers', () => {
  const { socket, reading } = startBusy()
  reading.pause()
  vi.advanceTimersByTime(1_000)
  expect(socket.paused).toBe(true)
  reading.resume()
  expect(socket.paused).toBe(false)
})

test('the end of back-pressure does not cut the moment short', () => {
  const { socket, reading } = startBusy()
  reading.pause()
  reading.resume()
  expect(socket.paused).toBe(true)
  vi.advanceTimersByTime(1)
  expect(socket.paused).toBe(false)
})

test('a socket that was paused before stays so', () => {
  const { socket, read } = startReading(true)
  read(40, 1_000, 0.5)
  vi.advanceTimersByTime(1_000)
  expect(socket.paused).toBe(true)
})

test('nothing is resumed after the end', () => {
  const { socket, reading, read } = startBusy()
  reading.stop()
  vi.advanceTimersByTime(1_000)
  expect(socket.paused).toBe(true)
  const before = socket.pauses
  read(40, 1_000, 0.5)
  expect(socket.pauses).toBe(before)
})
