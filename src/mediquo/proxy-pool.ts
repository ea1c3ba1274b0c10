import { type Dispatcher, Pool } from 'undici'

/** The proxy opened no tunnel: nothing was sent through it. */
class TunnelError extends Error {
  override readonly name = 'TunnelError'
  readonly code = 'ERR_PROXY_TUNNEL'
}

/**
 * Connections to a proxy, each of which becomes a tunnel. By itself undici treats a connection that the proxy closes as one that
 * was merely idle, and connects a thousand times a second, without end.
 */
export class ProxyPool extends Pool {
  override async connect(options: Dispatcher.ConnectOptions): Promise<Dispatcher.ConnectData> {
    try {
      return await super.connect(options)
    } catch (cause) {
      throw new TunnelError('the proxy did not make a tunnel', { cause })
    }
  }
}
