import { once } from 'node:events'
import { createServer, connect as dial, type Socket } from 'node:net'

/** A TCP relay in between, which fails as networks do: `await using relay = await tcpRelay(target)`. */
export interface TcpRelay extends AsyncDisposable {
  readonly port: number
  /** Nothing passes in either direction, and nobody is told: those who are connected, and those who come. */
  stall(): void
  /** Ends every connection with a reset; stalled ones as well. */
  reset(): void
  /** From now on connections go there; what is stalled passes again. */
  goOn(targetPort?: number): void
  /** Takes no connection any more. */
  close(): Promise<void>
}

export async function tcpRelay(
  targetPort: number,
  { host = '127.0.0.1', port = 0 }: { readonly host?: string; readonly port?: number } = {},
): Promise<TcpRelay> {
  let target = targetPort
  let isStalled = false
  const pairs = new Set<readonly [Socket, Socket]>()
  const server = createServer((near) => {
    const far = dial(target, '127.0.0.1')
    const pair = [near, far] as const
    pairs.add(pair)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => to.destroy())
      from.on('close', () => {
        if (to.destroyed) pairs.delete(pair)
        // Whoever is cut off hears of nothing, not even of an end.
        if (!isStalled) to.destroy()
      })
      from.pipe(to)
    }
    if (isStalled) for (const socket of pair) socket.pause()
  }).listen(port, host)
  await once(server, 'listening')
  const address = server.address()
  const reset = () => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy()
  }
  const close = async () => {
    isStalled = false
    reset()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    stall() {
      isStalled = true
      for (const [near, far] of pairs) {
        near.unpipe()
        far.unpipe()
        near.pause()
        far.pause()
      }
    },
    reset,
    goOn(port = target) {
      isStalled = false
      target = port
      // What was cut off stays so: a network that is back does not bring back what a firewall has forgotten.
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
