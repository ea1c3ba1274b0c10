import { type Dispatcher, Pool } from 'undici'
import { ConnectorError } from '../model/failure/connector-error.ts'

/** The proxy opened no tunnel: nothing was sent through it. */
class TunnelError extends ConnectorError {
  override readonly name = 'TunnelError'
  readonly code = 'ERR_PROXY_TUNNEL'

  constructor(cause: unknown) {
    super('proxy tunnel failed', 'the proxy did not make a tunnel', { cause })
  }
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
      throw new TunnelError(cause)
    }
  }
}
