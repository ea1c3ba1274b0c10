import { once } from 'node:events'
import { createServer, connect as dial, type Socket } from 'node:net'

/** TCP relay that fails as networks do: `await using relay = await tcpRelay(target)`. */
export interface TcpRelay extends AsyncDisposable {
  readonly port: number
  /** Drops all data in both directions without closing a connection, existing or new. */
  stall(): void
  /** Ends every connection with a reset, stalled ones as well. */
  reset(): void
  /** Connects new connections to this port, by default the same as before. Connections that were stalled stay dead. */
  goOn(targetPort?: number): void
  /** Stops listening, and resets every connection. */
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
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('close', () => {
        if (to.destroyed) pairs.delete(pair)
        // A stalled peer receives nothing, not even the end of the connection.
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
      // Stalled connections stay dead, as they do after a firewall has dropped their state.
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
