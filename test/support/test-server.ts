import { startEmbeddedServer } from '../../src/sandbox/postgres/embedded-server.ts'
import { dockerEngineAnswers } from './postgres/docker-engine.ts'

/** Server that the tests share. */
export interface TestServer {
  readonly url: string
  stop(): Promise<void>
}

/** Room for the connectors of all workers: each worker runs up to five tests at a time, some of them with two connectors. */
const room = { max_connections: '500', max_wal_senders: '80', max_replication_slots: '80' }

/** Returns the server of TEST_DATABASE_URL, else a container if a Docker engine answers, else the embedded server. */
export async function startTestServer(): Promise<TestServer> {
  const given = process.env.TEST_DATABASE_URL
  if (given) return { url: given, stop: async () => {} }
  const binDir = process.env.TEST_POSTGRES_BIN_DIR
  if (!binDir && (await dockerEngineAnswers())) return await startContainer()
  const server = await startEmbeddedServer({
    durable: false,
    settings: room,
    ...(binDir && { binDir }),
  })
  return { url: server.url(), stop: () => server.destroy() }
}

/** Starts a container. Waits for the log and the port, because health checks never run in some environments. */
async function startContainer(): Promise<TestServer> {
  const { GenericContainer, Wait } = await import('testcontainers')
  const settings = [
    'wal_level=logical',
    'fsync=off',
    ...Object.entries(room).map(([name, value]) => `${name}=${value}`),
  ]
  const container = await new GenericContainer('postgres:17')
    .withEnvironment({ POSTGRES_PASSWORD: 'postgres' })
    .withCommand(['postgres', ...settings.flatMap((setting) => ['-c', setting])])
    .withExposedPorts(5432)
    .withWaitStrategy(
      Wait.forAll([
        Wait.forLogMessage('database system is ready to accept connections', 2),
        Wait.forListeningPorts(),
      ]).withDeadline(120_000),
    )
    .start()
  const url = `postgres://postgres:postgres@${container.getHost()}:${container.getMappedPort(5432)}/postgres`
  return {
    url,
    async stop() {
      await container.stop()
    },
  }
}
