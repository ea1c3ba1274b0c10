import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameReader, type FrameSink } from '../../../src/source/stream/frame-reader.ts'
import { frame } from './server-bytes.ts'

const maxWholeBytes = 32

/** Records the input of a sink: the content of each CopyData, and the bytes of all other messages together. */
class Received implements FrameSink {
  readonly contents: string[] = []
  passed = ''
  inPieces = 0

  forward(bytes: Buffer): void {
    this.passed += bytes.toString('latin1')
  }
  copyData(bytes: Buffer, from: number, to: number): void {
    this.contents.push(bytes.toString('latin1', from, to))
  }
  copyDataInPieces(length: number) {
    this.inPieces++
    let content = ''
    return {
      write: (bytes: Buffer, from: number, to: number) => {
        content += bytes.toString('latin1', from, to)
      },
      end: () => {
        expect(content.length).toBe(length)
        this.contents.push(content)
      },
    }
  }
}

const anyFrame = fc.record({
  letter: fc.constantFrom('d', 'd', 'd', 'E', 'N', 'S', 'W', 'c', 'C', 'Z'),
  content: fc.string({ unit: 'binary-ascii', maxLength: 2 * maxWholeBytes }),
})
const cuts = fc.array(fc.nat(1000), { maxLength: 20 })

/** Reads the bytes in chunks. Overwrites each chunk once it is read, because pg's parser may keep it. */
function readCut(bytes: Buffer, at: readonly number[], received: Received): void {
  const reader = new FrameReader(received, maxWholeBytes)
  const ends = [...at.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  let from = 0
  for (const to of ends) {
    const chunk = Buffer.from(bytes.subarray(from, to))
    reader.read(chunk)
    chunk.fill(0xff)
    from = to
  }
}

test('messages arrive whole and in order, wherever the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 12 }), cuts, (frames, at) => {
      const received = new Received()
      const bytes = frames.map(({ letter, content }) => frame(letter, Buffer.from(content, 'latin1')))
      readCut(Buffer.concat(bytes), at, received)
      const isCopyData = frames.map(({ letter }) => letter === 'd')
      expect(received.contents).toEqual(frames.filter((_, n) => isCopyData[n]).map(({ content }) => content))
      expect(received.passed).toBe(Buffer.concat(bytes.filter((_, n) => !isCopyData[n])).toString('latin1'))
      expect(received.inPieces).toBe(
        frames.filter(({ content }, n) => isCopyData[n] && content.length > maxWholeBytes).length,
      )
    }),
    { numRuns: 1_000 },
  )
})

test('bytes that are passed on may be kept', () => {
  const passed: Buffer[] = []
  const received = new Received()
  received.forward = (bytes) => {
    passed.push(bytes)
  }
  const reader = new FrameReader(received, maxWholeBytes)
  const error = frame('E', Buffer.from('gone'))
  const bytes = Buffer.concat([error, frame('d', Buffer.alloc(8))])
  reader.read(bytes.subarray(0, 3))
  reader.read(bytes.subarray(3, -1))
  expect(Buffer.concat(passed)).toEqual(error)
})

test('nothing of a chunk is read after a stop', () => {
  const received = new Received()
  const reader = new FrameReader(received, maxWholeBytes)
  const copyData = received.copyData.bind(received)
  received.copyData = (bytes, from, to) => {
    copyData(bytes, from, to)
    reader.stop()
  }
  reader.read(Buffer.concat(['first', 'second'].map((text) => frame('d', Buffer.from(text)))))
  expect(received.contents).toEqual(['first'])
})

describe('bytes that are not a message', () => {
  test.each([
    { name: 'a length that does not hold itself', bytes: Buffer.from([0x64, 0, 0, 0, 3]) },
    { name: 'a type that is no letter', bytes: Buffer.from([0x00, 0, 0, 0, 8]) },
  ])('are refused: $name', ({ bytes }) => {
    for (const at of [0, 3])
      expect(() => readCut(bytes, [at], new Received())).toThrow(expect.objectContaining({ kind: 'stream malformed' }))
  })
})
