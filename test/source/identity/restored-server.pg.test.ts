import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { copyFiles, startAsStandby } from './state-elsewhere.ts'
import { change, delivered } from './state-on-server.ts'

const sendsEveryRow = 'the server failed over, and the state may lack what was sent last: a backfill sends every row'

/** Restores a server with its checkpoint store to an earlier time, on a timeline of its own, while no connector runs. */
async function restored({ withSlots, stateApart }: { readonly withSlots: boolean; readonly stateApart: boolean }) {
  const stand = await delivered({ stateApart })
  const { server, database, connector } = stand
  const files = await copyFiles(server)
  await connector.whenState('streaming')
  await change(connector)
  await connector.stop()
  await files.putBack()
  // A base backup leaves slots out, a copy of the disk does not.
  if (!withSlots) await rm(join(server.dataDir, 'pg_replslot', connector.slot), { recursive: true })
  await startAsStandby(server)
  await database.query('select pg_promote(true, 60)')
  return stand
}

describe('a server that was restored to an earlier time, and the state with it', () => {
  test.each([false, true])(
    'has every row sent again if the slot came with it: state apart %s',
    async (stateApart) => {
      await using stand = await restored({ withSlots: true, stateApart })
      const later = await stand.start()
      await expectBothEndsEqual(later)
      expect(later.sandbox.patients().get('jane')?.first_name).toBe('V0')
      await later.whenLogged(sendsEveryRow)
    },
    120_000,
  )

  test('is followed once it is adopted if the slot did not come with it, and every row is sent again then', async () => {
    await using stand = await restored({ withSlots: false, stateApart: false })
    const later = await stand.start({ waitFor: 'blocked' })
    expect((await later.status()).reason).toContain('the replication slot did not come with it')
    await stand.adopt()
    await later.whenState('streaming')
    await expectBothEndsEqual(later)
    expect(later.sandbox.patients().get('jane')?.first_name).toBe('V0')
  }, 120_000)
})
