import { type EmbeddedServer, startEmbeddedServer } from '../../src/sandbox/postgres/embedded-server.ts'

/**
 * Starts a server for one test alone, which may stop, restart and kill it: `await using server = await ownServer()`. TEST_POSTGRES_BIN_DIR
 * selects the programs of another version, as `pg_config --bindir` prints it.
 */
export async function ownServer(settings: Readonly<Record<string, string>> = {}): Promise<EmbeddedServer> {
  const binDir = process.env.TEST_POSTGRES_BIN_DIR
  return await startEmbeddedServer({ settings, durable: false, ...(binDir && { binDir }) })
}
