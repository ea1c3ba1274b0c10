import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { Finding } from '../../../src/source/requirements/finding.ts'
import { workspace } from '../../config/loading.ts'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { startConnector, type WrittenConfig } from '../../support/connector.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { runProgram } from '../run-command.ts'

/** Table of a hospital whose application does not know the connector. */
const hospital = `
  create table visitas (id bigserial primary key, paciente bigint, nota text);
  create table "Pacientes" (
    id bigserial primary key, "NHC" varchar(20) unique not null, nombre varchar(80), apellido1 text, apellido2 text,
    sexo char(1), "fechaNacimiento" text, correo text, tarifa text default 'premium');
  insert into "Pacientes" ("NHC", nombre, apellido1, apellido2, sexo, "fechaNacimiento", correo)
    select 'H' || i, 'Nombre' || i, 'Primero', case when i % 2 = 0 then 'Segundo' end, case when i % 2 = 0 then 'H' else 'M' end,
      to_char(date '1930-01-01' + i * 17, 'DD/MM/YYYY'), case when i % 3 = 0 then 'h' || i || '@example.org' end
    from generate_series(1, 300) i;`
const asPatients = `select "NHC" as code, nombre as first_name, concat_ws(' ', apellido1, apellido2) as last_name,
  case sexo when 'H' then 'male' else 'female' end as gender, to_date("fechaNacimiento", 'DD/MM/YYYY')::text as birth_date,
  correo as email, tarifa as plan from "Pacientes"`

const keys = { MEDIQUO_API_KEY: 'key', MEDIQUO_SECRET_KEY: 'secret', MEDIQUO_BASE_URL: 'http://127.0.0.1:9/v1' }
const init = (database: TestDatabase, args: readonly string[], cwd: string) =>
  runProgram(['init', ...args], { cwd, env: { DATABASE_URL: database.url } })

test('finds an unprepared table, proposes and writes a configuration, and delivers its patients', async () => {
  await using database = await testDatabase({ schema: hospital })
  using folder = workspace({})
  const { status, text } = await init(database, [], folder.cwd)
  expect(status).toBe(0)
  expect(text).toContain('public."Pacientes"')
  expect(text).toContain('300 of the 300 rows that were looked at can be sent')
  expect(text).toContain('none of 300 rows is without a plan')
  expect(text).toContain('not mapped: tax_id, phone, locale, meta; mediQuo does not promise to keep')
  expect(text).toContain('mediquo-cdc setup')
  const written = readFileSync(join(folder.cwd, 'config/mediquo-cdc.yaml'), 'utf8')
  // Output contains neither a row's value nor a secret. Words for a gender are named, because the mapping consists of them.
  for (const value of ['Nombre', 'Primero', '@example', '1930', new URL(database.url).password])
    expect(text + written).not.toContain(value)
  const { source, mapping } = parse(written) as Record<string, Record<string, unknown>>
  expect(mapping).toMatchObject({
    code: 'NHC',
    last_name: { columns: ['apellido1', 'apellido2'] },
    gender: { column: 'sexo', values: { H: 'male', M: 'female' } },
    birth_date: { column: 'fechaNacimiento', format: 'dd/MM/yyyy' },
  })
  const config = { source: { table: source?.table, backfill: 'initial' }, mapping } as WrittenConfig
  await using connector = await startConnector({ database, config })
  await expectBothEndsEqual(connector, asPatients)
})

test('says that codes of character(n) are sent without their padding', async () => {
  await using database = await testDatabase({ schema: hospital.replace('varchar(20)', 'char(20)') })
  using folder = workspace({})
  const { status, text } = await init(database, [], folder.cwd)
  expect([status, text]).toEqual([
    0,
    expect.stringContaining('code: NHC is of type character(n): the spaces that pad it are taken off the code'),
  ])
})

describe('init', () => {
  test('replaces no file unless told to', async () => {
    await using database = await testDatabase({ schema: hospital })
    using folder = workspace({ 'config/mediquo-cdc.yaml': 'source: {}\n' })
    await expect(init(database, [], folder.cwd)).rejects.toThrow('--force replaces it')
    expect((await init(database, ['--force', '--json'], folder.cwd)).status).toBe(0)
  })

  test('names the tables if several are similar, and takes the named one', async () => {
    await using database = await testDatabase({
      schema: `${hospital} create table antiguos (like "Pacientes" including all);`,
    })
    using folder = workspace({})
    const several = await init(database, [], folder.cwd)
    expect(several).toMatchObject({
      status: 3,
      text: expect.stringMatching(/public\.(antiguos|"Pacientes")\s+public\.(antiguos|"Pacientes")/),
    })
    const { status, text } = await init(database, ['--table', 'public."Pacientes"', '--json'], folder.cwd)
    expect([status, JSON.parse(text)]).toMatchObject([0, { preview: { rows: 300, sendable: 300 }, problems: [] }])
  })

  test('leaves the plan to a person if no column looks like one: nothing starts until a line is chosen', async () => {
    await using database = await testDatabase({
      schema: hospital.replace("tarifa text default 'premium'", 'nota text'),
    })
    using folder = workspace({})
    const proposed = await init(database, [], folder.cwd)
    expect(proposed).toMatchObject({
      status: 3,
      text: expect.stringContaining('missing: mapping.plan: is not mapped: mediQuo would unsubscribe every patient'),
    })
    expect(proposed.text).toContain('300 of the 300 rows that were looked at can be sent')
    const file = join(folder.cwd, 'config/mediquo-cdc.yaml')
    const written = readFileSync(file, 'utf8')
    const check = () =>
      runProgram(['check', '--json'], { cwd: folder.cwd, env: { DATABASE_URL: database.url, ...keys } })
    const requirements = ['the mapping fits the table', 'patients have a plan']
    const planFindings = async () =>
      (JSON.parse((await check()).text) as Finding[]).filter(({ requirement }) => requirements.includes(requirement))
    expect(await planFindings()).toMatchObject([{ requirement: 'the mapping fits the table', met: false }])
    for (const [line, met, detail] of [
      ['plan: { constant: premium }', true, 'none of 300 rows is without a plan'],
      ['plan: { constant: null }', true, 'all of 300 rows will be without a plan'],
      ['plan: nota', false, 'all of 300 rows will be without a plan'],
    ] as const) {
      expect(written).toContain(`# ${line === 'plan: nota' ? 'plan: …' : line}`)
      writeFileSync(file, written.replace(/^ {2}# plan: … .*$/m, `  ${line}`))
      expect(await planFindings()).toMatchObject([{ met, detail: expect.stringContaining(detail) }])
    }
  })

  test('doubts a plan column that is empty in every row', async () => {
    await using database = await testDatabase({ schema: hospital.replace(" default 'premium'", '') })
    using folder = workspace({})
    const { status, text } = await init(database, [], folder.cwd)
    expect(status).toBe(0)
    expect(text).toContain('look at plan: every row lacks it')
    expect(text).toContain('all of 300 rows will be without a plan: mediQuo unsubscribes these patients')
  })

  test('reports what is missing, and if a table is not a table of patients', async () => {
    await using database = await testDatabase({ schema: 'create table things (id int primary key, nombre text)' })
    using folder = workspace({})
    expect(await init(database, [], folder.cwd)).toMatchObject({
      status: 3,
      text: expect.stringContaining('name it with --table'),
    })
    const named = await init(database, ['--table', 'things'], folder.cwd)
    expect(named).toMatchObject({
      status: 3,
      text: expect.stringContaining('missing: mapping.gender: is required and not mapped'),
    })
  })
})
