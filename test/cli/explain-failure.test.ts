import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { explainFailure } from '../../src/cli/explain-failure.ts'
import { startSandboxApi } from '../../src/sandbox/api-server.ts'
import { listening } from '../support/network/listening.ts'

test('names a port that is in use, with the setting to change it', async () => {
  await using holder = await listening(createServer())
  const { port } = holder
  const error: unknown = await startSandboxApi({}, { host: '127.0.0.1', port }).catch((reason: unknown) => reason)
  const { status, message } = explainFailure(error)
  expect(status).toBe(1)
  expect(message).toContain(`127.0.0.1:${port}: end what listens there, or name another port (HTTP_PORT`)
})
