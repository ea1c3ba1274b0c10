import { createServer, connect as dial } from 'node:net'
import { join, listening } from './listening.ts'

/** Version 3.0 of the protocol, in the startup message. */
const protocolVersion = 196_608

/** Starts a relay to a PostgreSQL server that drops the startup parameter `options`, as poolers may be told to. */
export async function optionsDroppingPooler(targetPort: number) {
  const server = createServer((near) => {
    const far = dial(targetPort, '127.0.0.1')
    near.once('data', (first) => {
      far.write(withoutOptions(first))
      join(near, far)
    })
  })
  return await listening(server)
}

/** Returns a startup message without `options`; any other message as it is. */
function withoutOptions(message: Buffer): Buffer {
  if (message.readInt32BE(4) !== protocolVersion) return message
  const texts = message.subarray(8).toString('utf8').split('\0')
  const kept: string[] = []
  for (let at = 0; texts[at]; at += 2) if (texts[at] !== 'options') kept.push(texts[at] ?? '', texts[at + 1] ?? '')
  const body = Buffer.from(`${kept.join('\0')}\0\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(body.length + head.length, 0)
  head.writeInt32BE(protocolVersion, 4)
  return Buffer.concat([head, body])
}
