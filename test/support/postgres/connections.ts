import pg, { type ClientConfig, type PoolConfig } from 'pg'

/**
 * Creates a client whose connection may be lost at any time: a server that is stopped, or a session that is ended, emits an error, and an
 * unhandled one would end the process of the tests. The running query fails anyway.
 */
export function newClient(config: string | ClientConfig): pg.Client {
  const client = new pg.Client(config)
  client.on('error', () => undefined)
  return client
}

/** Creates a pool of such clients. The pool itself handles the errors of idle clients only. */
export function newPool(config: PoolConfig): pg.Pool {
  const pool = new pg.Pool(config)
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}
