import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { divertData } from '../../../src/source/stream/divert-data.ts'

describe('a socket whose data is diverted', () => {
  test('gives its data only to the new reader, which hands bytes on to the first', async () => {
    const socket = new PassThrough()
    const received: string[] = []
    socket.on('data', (bytes: Buffer) => received.push(`pg: ${bytes}`))
    const pass = divertData(socket, (chunk) => {
      received.push(`reader: ${chunk}`)
      pass(chunk.subarray(1))
    })
    socket.end('ab')
    await new Promise((resolve) => socket.once('end', resolve))
    expect(received).toEqual(['reader: ab', 'pg: b'])
  })

  test.each([0, 2])('must have one reader, not %i', (readers) => {
    const socket = new PassThrough()
    for (let left = readers; left > 0; left--) socket.on('data', () => undefined)
    expect(() => divertData(socket, () => undefined)).toThrow(/pg no longer reads/)
  })
})
