import { expect, test } from 'vitest'
import { patientsTable, startConnector } from '../../support/connector.ts'
import { dropSlot } from '../../support/postgres/drop-slot.ts'
import { testDatabase } from '../../support/postgres.ts'
import { runCommand } from '../run-command.ts'

const nothing = 'nothing to adopt'

test('adopts nothing, and creates nothing, before the first start', async () => {
  await using database = await testDatabase({ schema: patientsTable })
  const { status, text } = await runCommand(['adopt'], { database })
  expect([status, text]).toEqual([0, expect.stringContaining(nothing)])
  expect(await runCommand(['adopt', '--json'], { database })).toMatchObject({
    text: JSON.stringify({ neverStarted: true, done: [] }, null, 2),
  })
  expect(await database.query(`select 1 from pg_namespace where nspname = 'mediquo_cdc'`)).toEqual([])
  expect(await database.query('select 1 from pg_publication')).toEqual([])
})

test('adopts nothing while a connector streams, however fast slot and checkpoint move', async () => {
  await using connector = await startConnector()
  const { database } = connector
  const state = () => database.query('select run, timeline from mediquo_cdc.checkpoint')
  const before = await state()
  let isOver = false
  const write = async () => {
    for (let n = 0; !isOver; n++) await database.query('insert into patients (code) values ($1)', [`p${n}`])
  }
  const writing = write()
  for (let n = 0; n < 10; n++) {
    const { status, text } = await runCommand(['adopt'], { database })
    expect([status, text]).toEqual([0, expect.stringContaining(nothing)])
  }
  isOver = true
  await writing
  expect(await state()).toEqual(before)
})

test('reports the changes and the actions, as text and as JSON', async () => {
  await using connector = await startConnector()
  const { database, slot } = connector
  const drop = () => dropSlot(database, slot)
  await connector.stop()

  await drop()
  const said = await runCommand(['adopt'], { database })
  expect([said.status, said.text.split('\n')]).toEqual([
    0,
    [
      expect.stringMatching(
        `^found  the replication slot ${slot} is gone: what changed after [0-9A-F/]+ cannot be streamed`,
      ),
      `done   the replication slot ${slot} was recreated, and a backfill of the whole table was asked for`,
      expect.stringContaining('goes on within ten seconds'),
    ],
  ])

  await drop()
  const { status, text } = await runCommand(['adopt', '--json'], { database })
  expect([status, JSON.parse(text)]).toEqual([
    0,
    {
      neverStarted: false,
      done: [{ kind: 'slot lost', found: expect.any(String), slot: 'made', needsBackfill: true }],
    },
  ])
})

test('looks again if a connector becomes the writer in the meantime', async () => {
  await using connector = await startConnector()
  const { database, slot } = connector
  await connector.stop()
  await dropSlot(database, slot)
  // The first write finds that the checkpoint has another writer. A sequence counts also what is rolled back.
  await database.query(`create sequence mediquo_cdc.writes;
    create function mediquo_cdc.miss() returns trigger language plpgsql
      as $$ begin if nextval('mediquo_cdc.writes') = 1 then return null; end if; return new; end $$;
    create trigger miss before update on mediquo_cdc.checkpoint for each row execute function mediquo_cdc.miss()`)
  const { status, text } = await runCommand(['adopt', '--json'], { database })
  expect([status, JSON.parse(text).done]).toMatchObject([0, [{ kind: 'slot lost' }]])
  expect(await database.query('select last_value > 1 as again from mediquo_cdc.writes')).toEqual([{ again: 't' }])
})

test('does not adopt a source that lacks a requirement', async () => {
  await using connector = await startConnector()
  const { database, slot } = connector
  await connector.stop()
  await dropSlot(database, slot)
  await database.query('alter table patients replica identity nothing')
  await expect(runCommand(['adopt'], { database })).rejects.toMatchObject({ kind: 'check failed' })
  expect(await database.query('select reason from mediquo_cdc.backfill')).toEqual([])
})

test('does not adopt a checkpoint store that belongs to another slot', async () => {
  await using connector = await startConnector()
  const { database } = connector
  await connector.stop()
  const adopting = runCommand(['adopt'], { database, source: { slot: 'another' } })
  await expect(adopting).rejects.toThrow(/belongs to slot .* on public\.patients: set state\.schema/)
})
