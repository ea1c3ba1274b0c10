import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { startTestServer } from '../test-server.ts'
import { newClient } from './connections.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection string of a superuser. Every test creates its own database there. */
    postgresUrl: string
    /** Major version of the server, for example 17. */
    postgresMajor: number
  }
}

const run = promisify(execFile)
const root = new URL('../../../', import.meta.url)
const finish = new URL('scripts/finish-build.mjs', root)

/** Starts one server for all database tests, and builds `dist/` for the crash tests. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await build()
  const server = await startTestServer()
  project.provide('postgresUrl', server.url)
  project.provide('postgresMajor', await majorOf(server.url))
  return () => server.stop()
}

async function majorOf(url: string): Promise<number> {
  const client = newClient({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ version: string }>(`select current_setting('server_version_num') as version`)
  await client.end()
  return Math.floor(Number(rows[0]?.version) / 10_000)
}

/** Builds as `npm run build` does, but without the type check, which has its own gate. */
async function build(): Promise<void> {
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--noCheck'], {
    cwd: root,
  })
  await run(process.execPath, [fileURLToPath(finish)], { cwd: root })
}
