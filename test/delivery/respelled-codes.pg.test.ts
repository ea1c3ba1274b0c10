import { describe, expect, test } from 'vitest'
import { defaultKeys } from '../../src/sandbox/sandbox-state.ts'
import { runCommand } from '../cli/run-command.ts'
import { testSandbox } from '../sandbox/sandbox-client.ts'
import { expectBothEndsEqual } from '../support/both-ends.ts'
import { startConnector, type WrittenConfig } from '../support/connector.ts'
import { type Habits, rewritingFront } from '../support/network/rewriting-front.ts'
import { until } from '../support/until.ts'

const config = { source: { onDelete: 'unsubscribe' } }

/** Starts a sandbox behind an API with these habits, and a connector. */
async function scene(habits: Habits, more: WrittenConfig = {}) {
  const sandbox = await testSandbox()
  const front = await rewritingFront(sandbox, habits)
  const environment = { MEDIQUO_BASE_URL: front.baseUrl }
  const connector = await startConnector({ sandbox, environment, config: { ...config, ...more } })
  return {
    ...connector,
    sent: front.sent,
    verify: async () => {
      const keys = { MEDIQUO_API_KEY: defaultKeys.apiKey, MEDIQUO_SECRET_KEY: defaultKeys.secretKey }
      return await runCommand(['verify', '--all'], connector, { ...environment, ...keys })
    },
    async [Symbol.asyncDispose]() {
      await connector[Symbol.asyncDispose]()
      await front[Symbol.asyncDispose]()
      await sandbox[Symbol.asyncDispose]()
    },
  }
}

const insert = (...codes: string[]) =>
  codes.map((code) => `insert into patients (code, plan) values ('${code}', 'premium');`).join(' ')
const as = (form: string) =>
  `select ${form} as code, first_name, last_name, gender, birth_date::text as birth_date, email, plan from patients`

const nfd = 'jose\u0301-1'

// Slow: a code is unsubscribed only 5 s after the API accepted a version of it, since that may not be applied yet.
describe('an API that stores codes in another form', { concurrent: true, timeout: 120_000 }, () => {
  test.each<[string, Habits, string, string[], RegExp]>([
    [
      'trimmed',
      { stored: (code) => code.trim() },
      `btrim(code, E' \\t')`,
      [' P1 ', 'p2\t', 'p3'],
      /^2 codes .* in spaces$/,
    ],
    [
      'in lower case',
      { stored: (code) => code.toLowerCase() },
      'lower(code)',
      ['P1', 'PX2', 'p3'],
      /^2 codes .* in letter case$/,
    ],
    [
      'in Unicode NFC',
      { stored: (code) => code.normalize('NFC') },
      'normalize(code, NFC)',
      [nfd, 'o\u0308', 'p3'],
      /^2 codes .* in Unicode form$/,
    ],
    ['as numbers', { shown: (patient) => ({ ...patient, code: Number(patient.code) }) }, 'code', ['1', '2', '3'], /^$/],
  ])('(%s) has each patient that was sent, and unsubscribes it', async (_, habits, form, codes, detail) => {
    await using api = await scene(habits)
    const { database, sandbox } = api
    await database.query(insert(...codes, '9', '44'))
    await api.whenPatient('44')
    await database.query(`delete from patients where code <> '44'`)
    await database.query(`update patients set first_name = 'Eva'`)
    await expectBothEndsEqual(api, as(form))
    expect([...sandbox.patients().values()].filter(({ unsubscribed_at }) => unsubscribed_at !== null)).toHaveLength(4)
    const { deadLetters, problems } = await api.status()
    expect(deadLetters).toBe(0)
    if (detail.source === '^$') expect(problems).toEqual([])
    else
      expect(problems).toMatchObject([{ code: 'MQ2010', severity: 'warning', detail: expect.stringMatching(detail) }])
    // Each code is sent as we have it, also to end it.
    const ends = api.sent.filter(({ plan }) => plan === undefined).map(({ code }) => code)
    expect(ends.toSorted()).toEqual([...codes, '9'].toSorted())
  })

  test('raises a problem that names no code, and verify says the same', async () => {
    await using api = await scene({ stored: (code) => code.toLowerCase() })
    await api.database.query(insert('SECRET-7', 'plain'))
    await api.whenPatient('plain')
    await api.whenSettled()
    const verified = await api.verify()
    expect(verified.status).toBe(0)
    expect(verified.text).toContain('2 same')
    expect(verified.text).toContain('mediQuo stores codes in another form than they are sent: 1 code')
    await api.database.query(`delete from patients where code = 'SECRET-7'`)
    const raised = await api.whenRaised('MQ2010')
    expect(raised).toMatchObject({ codes: 1, differences: ['letter case'], alike: 0 })
    expect(JSON.stringify([raised, await api.status()])).not.toMatch(/secret-7/i)
    await expectBothEndsEqual(api, as('lower(code)'))
  })

  test('has one patient for two rows whose codes differ only in that form: it is kept while one of them lives', async () => {
    await using api = await scene({ stored: (code) => code.toLowerCase() })
    const { database, sandbox } = api
    await database.query(insert('Same'))
    await api.whenPatient('same')
    await api.whenSettled()
    await database.query(insert('same', 'other'))
    await api.whenPatient('other')
    await database.query(`delete from patients where code = 'Same'`)
    await api.whenRaised('MQ2010')
    await expectBothEndsEqual(api, as('lower(code)'))
    expect(sandbox.patients().get('same')).toMatchObject({ plan: 'premium', unsubscribed_at: null })
  })

  test('says how many rows are one patient there with another row', async () => {
    await using api = await scene({ stored: (code) => code.toLowerCase() }, { verify: { samplePerMinute: 600 } })
    const { database } = api
    await database.query(insert('Same', 'ALONE'))
    await api.whenPatient('alone')
    await database.query(insert('same'))
    const detail = await until(async () => {
      const [problem] = (await api.status()).problems
      return problem?.detail.startsWith('2 codes') && problem.detail.includes('another row') && problem.detail
    })
    expect(detail).toBe(
      "2 codes that were read back differ in letter case; 1 of them have the form of another row's code: for mediQuo both rows are one patient, that of the row that changed last",
    )
  })
})
