import { connect, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { testSandbox } from '../sandbox/sandbox-client.ts'
import { startConnector } from '../support/connector.ts'
import { join, listening } from '../support/network/listening.ts'

/** Starts a proxy that closes a connection to the sandbox when a second request arrives on it, without reading the request. */
async function closesAtSecondRequest(to: number) {
  let closed = 0
  const server = createServer((socket: Socket) => {
    const target = connect(to, '127.0.0.1')
    let answered = false
    target.on('data', () => {
      answered = true
    })
    socket.on('data', () => {
      if (!answered) return
      closed++
      target.destroy()
      socket.resetAndDestroy()
    })
    join(socket, target)
  })
  return {
    ...(await listening(server)),
    get closed() {
      return closed
    },
  }
}

test('a kept-alive connection that is closed during a request costs one more request, and rejects no row', async () => {
  await using sandbox = await testSandbox()
  await using front = await closesAtSecondRequest(sandbox.port)
  await using connector = await startConnector({
    sandbox,
    environment: { MEDIQUO_BASE_URL: `http://127.0.0.1:${front.port}/v1` },
    config: { mediquo: { maxInFlight: 1 } },
  })
  const { database, log } = connector
  const codes = Array.from({ length: 12 }, (_, n) => `p${n}`)
  for (const code of codes) {
    await database.query('insert into patients (code) values ($1)', [code])
    await connector.whenPatient(code)
  }
  await connector.whenSettled()
  expect(front.closed).toBeGreaterThan(3)
  expect(log.filter(({ msg }) => msg === 'batch not answered, will be sent again')).toHaveLength(front.closed)
  expect(sandbox.history.flatMap(({ codes }) => codes)).toEqual(codes)
  expect((await connector.status()).deadLetters).toBe(0)
})
