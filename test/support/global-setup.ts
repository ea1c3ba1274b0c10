import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { startTestServer } from './test-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's connection string; every test makes its own database there. */
    postgresUrl: string
  }
}

const run = promisify(execFile)
const root = new URL('../../', import.meta.url)
const finish = new URL('scripts/finish-build.mjs', root)

/** Before the first database test: one server for all of them, and `dist/` as it is started by the crash tests. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await build()
  const server = await startTestServer()
  project.provide('postgresUrl', server.url)
  return () => server.stop()
}

/** As `npm run build`, but without the type check, which has its own gate. */
async function build(): Promise<void> {
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--noCheck'], {
    cwd: root,
  })
  await run(process.execPath, [fileURLToPath(finish)], { cwd: root })
}
