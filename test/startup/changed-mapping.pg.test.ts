import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCommand } from '../cli/run-command.ts'
import { workspace } from '../config/loading.ts'
import { expectBothEndsEqual } from '../support/both-ends.ts'
import { patientsTable, type RunningConnector, startConnector, type WrittenConfig } from '../support/connector.ts'
import { until } from '../support/until.ts'

/** Six rows, of which two have a last name, and one that no mapping below accepts before its gender is known. */
const table = `${patientsTable}
  insert into patients (code, first_name, last_name, gender, birth_date, plan)
  select 'p' || n, 'Jane', case when n > 4 then 'Doe' end, case n when 1 then 'F' else 'female' end, '1980-01-01', 'premium'
  from generate_series(1, 6) n;`

const names = ['code', 'first_name', 'last_name', 'gender', 'birth_date', 'email', 'plan', 'meta']
const plain = Object.fromEntries(names.map((name) => [name, name]))
/** Sends both names as the first one: the rows without a last name stay as they are. */
const joined = { ...plain, first_name: { columns: ['first_name', 'last_name'] } }
const genders = { column: 'gender', values: { F: 'female', female: 'female' } }

const shown = (firstName: string, condition = 'true') =>
  `select code, ${firstName} as first_name, last_name, 'female' as gender, birth_date::text as birth_date, email, plan
   from patients where ${condition}`
const asPlain = shown('first_name', `gender = 'female'`)
const asJoined = `concat_ws(' ', first_name, last_name)`

const config = (mapping: object | null, more: WrittenConfig = {}): WrittenConfig => ({
  source: { onDelete: 'unsubscribe', backfill: 'initial' },
  mediquo: { batchSize: 1, maxInFlight: 1 },
  ...(mapping && { mapping: { ...mapping } }),
  ...more,
})

/** Delivers the rows by the mapping, and stops the connector. */
async function delivered(mapping: object | null = plain, patients = asPlain): Promise<RunningConnector> {
  const connector = await startConnector({ schema: table, config: config(mapping) })
  await expectBothEndsEqual(connector, patients)
  await until(async () => (await connector.status()).backfill.state === 'done')
  await connector.stop()
  return connector
}

/** Starts a connector again, on the same two ends. @returns it with a function for the codes that it has sent. */
async function again({ database, sandbox }: RunningConnector, written: WrittenConfig) {
  const before = sandbox.requests.length
  const connector = await startConnector({ database, sandbox, config: written })
  const sent = () => sandbox.requests.slice(before).flatMap(({ method, codes }) => (method === 'PUT' ? codes : []))
  return Object.assign(connector, { sent: () => [...new Set(sent())].toSorted() })
}

const follows = 'rows were sent under another mapping, a backfill follows'
const waits = 'rows were sent under another mapping, and are not sent again'

// Several connectors run at a time, on a machine that may be busy.
describe('a mapping that was changed while the connector was stopped', { concurrent: true, timeout: 120_000 }, () => {
  test('is followed by a backfill that sends what differs, and tries the dead letters again', async () => {
    await using first = await delivered()
    await using connector = await again(first, config({ ...joined, gender: genders }))
    expect(await connector.whenLogged(follows)).toMatchObject({ rows: 6, deadLetters: 1, onMappingChange: 'backfill' })
    await expectBothEndsEqual(connector, shown(asJoined))
    expect(connector.sent()).toEqual(['p1', 'p5', 'p6'])
    await until(async () => (await connector.status()).deadLetters === 0)
  })

  test('waits where that is configured, says so with the number, and is sent by a backfill', async () => {
    await using first = await delivered()
    await using connector = await again(first, config({ ...joined, gender: genders }, { onMappingChange: 'wait' }))
    const { database } = connector
    expect(await connector.whenLogged(waits)).toMatchObject({ rows: 6, deadLetters: 1 })
    expect(await connector.whenRaised('MQ4010')).toMatchObject({ rows: 6, deadLetters: 1 })
    await database.query(`update patients set email = 'jane@example.org' where code = 'p5'`)
    await connector.whenPatient('p5', ({ first_name }) => first_name === 'Jane Doe')
    await connector.whenSettled()
    expect(connector.sent()).toEqual(['p5'])
    await runCommand(['backfill'], { database })
    await expectBothEndsEqual(connector, shown(asJoined))
    await connector.whenLogged('problem cleared')
    expect(connector.sent()).toEqual(['p1', 'p5', 'p6'])
    await connector.stop()
    await using last = await again(first, config({ ...joined, gender: genders }, { onMappingChange: 'wait' }))
    await last.whenSettled()
    expect(last.log.map(({ msg }) => msg)).not.toContain(waits)
  })

  test('and changed back while its backfill is half done ends as the first one says', async () => {
    await using first = await delivered()
    const { sandbox } = first
    sandbox.faults.add({ kind: 'hold', id: 'half', endpoint: 'put' })
    const starting = again(first, config(joined))
    await sandbox.faults.whenHeld('half')
    sandbox.faults.add({ kind: 'down', endpoint: 'put' })
    sandbox.faults.release('half')
    await using half = await starting
    await half.whenPatient('p5', ({ first_name }) => first_name === 'Jane Doe')
    await half.stop()
    sandbox.faults.clear()
    await using connector = await again(first, config(plain))
    expect(await connector.whenLogged(follows)).toMatchObject({ rows: expect.any(Number) })
    await expectBothEndsEqual(connector, asPlain)
    expect(connector.sent()).toContain('p5')
  })

  test('of a store of an older version is written down, and nothing else is done', async () => {
    await using first = await delivered()
    await first.database.query(`update mediquo_cdc.checkpoint set mapping = null, complete_mapping = null;
      update mediquo_cdc.delivery set mapping = null; update mediquo_cdc.backfill set mapping = null;
      delete from mediquo_cdc.mapping`)
    await using connector = await again(first, config(plain))
    await runCommand(['backfill'], { database: first.database })
    await until(async () => (await connector.status()).backfill.state === 'done')
    await expectBothEndsEqual(connector, asPlain)
    expect(connector.sent()).toEqual([])
    await connector.stop()
    await using changed = await again(first, config(joined))
    expect(await changed.whenLogged(follows)).toMatchObject({ rows: 6 })
    await expectBothEndsEqual(changed, shown(asJoined, `gender = 'female'`))
    expect(changed.sent()).toEqual(['p5', 'p6'])
  })

  test('only in its spelling is the same mapping', async () => {
    await using first = await delivered()
    await using connector = await again(first, config(null))
    await connector.whenSettled()
    expect(connector.log.map(({ msg }) => msg)).not.toContain(follows)
    expect(connector.sent()).toEqual([])
  })

  test('by the file of the transform, or one that it imports, is followed by a backfill', async () => {
    using directory = workspace({
      'transform.mjs': `import { suffix } from './suffix.mjs'
        export default (row, patient) => ({ ...patient, first_name: patient.first_name + suffix })`,
      'suffix.mjs': `export const suffix = ''`,
    })
    const withTransform = (name: string) => config(plain, { transform: join(directory.cwd, name) })
    await using first = await startConnector({ schema: table, config: withTransform('transform.mjs') })
    await expectBothEndsEqual(first, asPlain)
    await first.stop()
    // A module of another name: this process has loaded the first one already.
    const text = `import { suffix } from './other.mjs'
      export default (row, patient) => ({ ...patient, first_name: patient.first_name + suffix })`
    directory.write('again.mjs', text)
    writeFileSync(join(directory.cwd, 'other.mjs'), `export const suffix = ' X'`)
    await using connector = await again(first, withTransform('again.mjs'))
    await connector.whenLogged(follows)
    await expectBothEndsEqual(connector, shown(`first_name || ' X'`, `gender = 'female'`))
  })
})
