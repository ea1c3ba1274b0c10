import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { askServer } from '../../../src/source/identity/source-identity.ts'
import { ownServer } from '../../support/own-server.ts'
import { newPool } from '../../support/postgres/connections.ts'
import {
  checkpointOf,
  copyFiles,
  expectFollowed,
  goOn,
  isStreaming,
  passesOf,
  promote,
  slot,
  standElsewhere,
  startAsStandby,
} from './state-elsewhere.ts'

test.concurrent('a promoted standby that has the slot is followed, by a running connector and by one that starts', async () => {
  await using known = await standElsewhere()
  const { server, connector } = known
  await server.stop()
  await startAsStandby(server)
  const blocked = await connector.whenState('blocked')
  expect(blocked.reason).toContain('the server is a standby')

  await promote(known)

  await expectFollowed(known, connector, 'second timeline')
  expect(await checkpointOf(known)).toMatchObject({ timeline: '2' })
  await connector.stop()
  await server.stop()
  await startAsStandby(server)
  await promote(known)
  await expectFollowed(known, await known.start(null), 'third timeline')
  expect(await checkpointOf(known)).toMatchObject({ timeline: '3' })
  expect(await passesOf(known)).toEqual([])
})

test.concurrent('nothing is sent from a promoted standby without the slot until it is adopted', async () => {
  await using known = await standElsewhere()
  const { server, connector } = known
  await connector.stop()
  await server.stop()
  // A base backup leaves slots out as well.
  await rm(join(server.dataDir, 'pg_replslot', slot), { recursive: true })
  await startAsStandby(server)
  await promote(known)

  const later = await known.start('blocked')
  expect((await later.status()).reason).toMatch(/timeline 2, the state on 1, and the replication slot did not come/)

  await known.adopt()
  await expectFollowed(known, later)
  expect(await checkpointOf(known)).toMatchObject({ timeline: '2' })
  expect(await passesOf(known)).toEqual(['identity changed'])
})

test('nothing is sent from a promoted standby that lacks delivered changes', async () => {
  await using known = await standElsewhere()
  const { server, connector } = known
  const files = await copyFiles(server)
  await isStreaming(connector)
  await goOn(known, connector)
  await connector.stop()
  await files.putBack()
  await startAsStandby(server)
  await promote(known)

  const later = await known.start('blocked')
  expect((await later.status()).reason).toMatch(/timeline 2, which left timeline 1 before/)
  expect(await passesOf(known)).toEqual([])
})

test('the timeline is known as soon as a standby is promoted', async () => {
  await using server = await ownServer()
  const pool = newPool({ connectionString: server.url(), max: 1 })
  try {
    // After the promotion a checkpoint has to write the replayed changes, slowly. Until then the control file does not have the new
    // timeline.
    await pool.query('create table replayed as select * from generate_series(1, 100000)')
    await server.kill()
    await startAsStandby(server)
    expect(await askServer(pool, 'any')).toMatchObject({ isStandby: true, timeline: 1 })
    await pool.query('select pg_promote(true, 60)')
    expect(await askServer(pool, 'any')).toMatchObject({ isStandby: false, timeline: 2 })
  } finally {
    await pool.end()
  }
})

test('a standby is refused at the start', async () => {
  await using known = await standElsewhere()
  await known.connector.stop()
  await known.server.stop()
  await startAsStandby(known.server)
  await expect(known.start()).rejects.toThrow(/the server is a standby/)
  await promote(known)
})
