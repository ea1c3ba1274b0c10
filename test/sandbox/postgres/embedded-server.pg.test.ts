import { access } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { startEmbeddedServer } from '../../../src/sandbox/postgres/embedded-server.ts'
import { ownServer } from '../../support/own-server.ts'
import { newClient } from '../../support/postgres/connections.ts'
import { testDatabase } from '../../support/postgres.ts'

async function ask(url: string, sql: string): Promise<unknown> {
  const client = newClient({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

describe('an embedded server', () => {
  test('keeps committed rows when it is killed', async () => {
    await using server = await ownServer()
    await ask(server.url(), 'CREATE TABLE kept AS SELECT 7 AS value')
    await server.kill()
    expect(server.pid).toBeNull()
    await server.start()
    expect(await ask(server.url(), 'SELECT value FROM kept')).toEqual([{ value: 7 }])
  })

  test('decodes logically, and starts again on its port with other settings', async () => {
    await using server = await ownServer({ wal_sender_timeout: '5s' })
    const { port } = server
    expect(await ask(server.url(), 'SHOW wal_level')).toEqual([{ wal_level: 'logical' }])
    expect(await ask(server.url(), 'SHOW wal_sender_timeout')).toEqual([{ wal_sender_timeout: '5s' }])
    await server.stop('fast')
    await server.start({ wal_level: 'replica' })
    expect(server.port).toBe(port)
    expect(await ask(server.url(), 'SHOW wal_level')).toEqual([{ wal_level: 'replica' }])
  })

  test('refuses a wrong password', async () => {
    await using server = await ownServer()
    const wrong = new URL(server.url())
    wrong.password = 'wrong'
    await expect(ask(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
  })

  test('leaves no files behind', async () => {
    const server = await ownServer()
    await server.destroy()
    await expect(access(server.dataDir)).rejects.toThrow()
    await expect(ask(server.url(), 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('reports why it did not start', async () => {
    await expect(ownServer({ nonsense: '1' })).rejects.toThrow(/nonsense/)
    await expect(startEmbeddedServer({ binDir: '/nowhere' })).rejects.toThrow(/pg_config --bindir/)
  })
})

describe('a test database', () => {
  test('gives every value as the server’s text', async () => {
    await using database = await testDatabase({ schema: 'CREATE TABLE t (day date, number int8, nothing text)' })
    await database.query(`INSERT INTO t VALUES ('1980-01-01', 7, NULL)`)
    expect(await database.query('SELECT * FROM t')).toEqual([{ day: '1980-01-01', number: '7', nothing: null }])
  })

  test('is dropped with its slots', async () => {
    await using server = await ownServer()
    const database = await testDatabase({ serverUrl: server.url() })
    await database.query(`SELECT pg_create_logical_replication_slot('left_over', 'pgoutput')`)
    await database.dispose()
    expect(await ask(server.url(), 'SELECT slot_name FROM pg_replication_slots')).toEqual([])
    expect(await ask(server.url(), `SELECT datname FROM pg_database WHERE datname = '${database.name}'`)).toEqual([])
  })
})
