import { type EmbeddedServer, startEmbeddedServer } from '../../../src/sandbox/postgres/embedded-server.ts'

/**
 * A server for one test alone, which it may stop, restart and kill: `await using server = await ownServer()`.
 * TEST_POSTGRES_BIN_DIR names another version's programs, as `pg_config --bindir` prints it.
 */
export async function ownServer(settings: Readonly<Record<string, string>> = {}): Promise<EmbeddedServer> {
  const binDir = process.env.TEST_POSTGRES_BIN_DIR
  return await startEmbeddedServer({ settings, durable: false, ...(binDir && { binDir }) })
}
