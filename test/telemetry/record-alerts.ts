/**
 * Writes config/prometheus/mediquo-cdc.test.yaml: the /metrics of a real connector in each scenario, and the alerts that must fire. Two
 * samples a second are played back thirty seconds apart: `npx tsx test/telemetry/record-alerts.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { pino } from 'pino'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { wait } from '../../src/lifecycle/wait.ts'
import { type SandboxApi, startSandboxApi } from '../../src/sandbox/api-server.ts'
import { startEmbeddedServer } from '../../src/sandbox/postgres/embedded-server.ts'
import { defaultKeys } from '../../src/sandbox/sandbox-state.ts'
import { supervise } from '../../src/supervisor/supervise.ts'
import { settingsOf } from '../config/loading.ts'
import { patientsTable } from '../support/patients-table.ts'
import { newPool } from '../support/postgres/connections.ts'
import { until } from '../support/until.ts'
import { Recording } from './recording.ts'

interface Scene {
  readonly query: (sql: string) => Promise<unknown>
  readonly sandbox: SandboxApi
}

interface Scenario {
  readonly name: string
  /** Rules that must fire at the end; the others must not. */
  readonly raises: readonly string[]
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly before?: (scene: Scene) => Promise<unknown>
  readonly during?: (scene: Scene) => Promise<unknown>
  readonly instances?: number
  readonly samples?: number
}

const usualSamples = 44
/** The growth of retained WAL is known after 20 seconds: enough samples for an alert to fire after that. */
const samplesOfGrowth = 60
const samplesOf = (scenario: Scenario) => scenario.samples ?? usualSamples
const folder = new URL('../../config/prometheus/', import.meta.url)
const rows = (from: number, to: number) =>
  `insert into patients (code) select 'R' || n from generate_series(${from}, ${to}) n`
const limitSlots = async (query: Scene['query'], size: string) => {
  await query(`alter system set max_slot_wal_keep_size = '${size}'`)
  await query('select pg_reload_conf()')
}
/** Writes about a megabyte of WAL a second that cannot be released, to the end. */
async function writeWhileApiIsDown({ query, sandbox }: Scene): Promise<void> {
  sandbox.faults.add(api503)
  await query(rows(1, 5))
  for (let at = 0; at < samplesOfGrowth; at++) {
    await query(`select pg_logical_emit_message(false, 'filler', repeat('x', 500000))`)
    await wait(500, AbortSignal.timeout(60_000))
  }
}
const api503 = { kind: 'status', status: 503, times: null } as const

const scenarios: readonly Scenario[] = [
  { name: 'all is well', raises: [], during: ({ query }) => query(rows(1, 500)) },
  {
    name: 'a standby waits beside the one that streams',
    raises: [],
    instances: 2,
    during: ({ query }) => query(rows(1, 9)),
  },
  {
    name: 'the API is down while rows change and WAL is written',
    raises: ['MediquoCdcApiDown', 'MediquoCdcFallsBehind', 'MediquoCdcSlotHoldsWal'],
    during: async ({ query, sandbox }) => {
      sandbox.faults.add(api503)
      await query(rows(1, 6_000))
      await query(`select pg_logical_emit_message(false, 'filler', repeat('x', 1000000)) from generate_series(1, 1200)`)
    },
  },
  {
    name: 'the slot may hold 20 GB, which lasts for hours',
    raises: ['MediquoCdcApiDown', 'MediquoCdcSlotHoldsWal'],
    before: ({ query }) => limitSlots(query, '20GB'),
    during: (scene) => writeWhileApiIsDown(scene),
    samples: samplesOfGrowth,
  },
  {
    name: 'the slot may hold 300 MB, which lasts for minutes',
    raises: ['MediquoCdcApiDown', 'MediquoCdcSlotHoldsWal', 'MediquoCdcSlotSoonLost'],
    before: ({ query }) => limitSlots(query, '300MB'),
    during: (scene) => writeWhileApiIsDown(scene),
    samples: samplesOfGrowth,
  },
  {
    name: 'the keys are revoked',
    raises: ['MediquoCdcKeysRefused', 'MediquoCdcNotReady'],
    during: async ({ query, sandbox }) => {
      sandbox.faults.add({ kind: 'keys revoked' })
      await query(rows(1, 5))
    },
  },
  {
    name: 'the API refuses every patient',
    raises: ['MediquoCdcEveryPatientRefused', 'MediquoCdcNotReady'],
    during: async ({ query, sandbox }) => {
      sandbox.faults.add({ kind: 'status', status: 422, times: null })
      await query(rows(1, 5))
    },
  },
  {
    name: 'a row is rejected',
    raises: ['MediquoCdcDeadLetters'],
    during: ({ query }) => query(`insert into patients (code, gender) values ('R1', 'no gender')`),
  },
  {
    name: 'the table is renamed',
    raises: ['MediquoCdcBlocked', 'MediquoCdcNotReady'],
    during: ({ query }) => query('alter table patients rename to persons'),
  },
  {
    name: 'somebody else uses the quota',
    raises: ['MediquoCdcRateLimited'],
    during: async ({ query, sandbox }) => {
      for (let n = 0; n < 14; n++) sandbox.faults.add({ kind: '429', retryAfter: 1 })
      await query(rows(1, 5))
    },
  },
  {
    name: 'the API fails while the table is read',
    raises: ['MediquoCdcApiDown', 'MediquoCdcBackfillStuck'],
    config: { source: { backfill: 'initial' } },
    before: async ({ query, sandbox }) => {
      await query(rows(1, 500))
      sandbox.faults.add(api503)
    },
  },
  {
    name: 'mediQuo forgets what it was sent',
    raises: ['MediquoCdcDrift'],
    config: { verify: { samplePerMinute: 240 } },
    during: async ({ query, sandbox }) => {
      await query(rows(1, 20))
      await until(() => sandbox.patients().size === 20)
      await wait(7_000, AbortSignal.timeout(60_000))
      sandbox.reset()
    },
  },
]

const rulesFile = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          labels: z.record(z.string(), z.string()),
          annotations: z.record(z.string(), z.string()),
        }),
      ),
    }),
  ),
})
const rules = rulesFile
  .parse(parse(readFileSync(new URL('mediquo-cdc.rules.yaml', folder), 'utf8')))
  .groups.flatMap((group) => group.rules)
const expressions = readFileSync(new URL('mediquo-cdc.rules.yaml', folder), 'utf8')

async function scrape(port: number, instance: number): Promise<Map<string, string>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const found = new Map([[`up{job="mediquo-cdc",instance="${instance}"}`, '1']])
  for (const [, name = '', labels, value = ''] of text.matchAll(/^(mediquo_cdc_\w+)(?:\{(.*)\})? (\S+)$/gm)) {
    if (!expressions.includes(name)) continue
    found.set(`${name}{job="mediquo-cdc",instance="${instance}"${labels ? `,${labels}` : ''}}`, value)
  }
  return found
}

async function record(scenario: Scenario): Promise<Recording> {
  await using server = await startEmbeddedServer({ durable: false })
  const pool = newPool({ connectionString: server.url(), max: 2 })
  const sandbox = await startSandboxApi()
  const scene: Scene = { query: (sql) => pool.query(sql), sandbox }
  await pool.query(patientsTable)
  await scenario.before?.(scene)
  const drain = new AbortController()
  const running: Promise<void>[] = []
  const ports: number[] = []
  for (let instance = 0; instance < (scenario.instances ?? 1); instance++) {
    const config = {
      ...scenario.config,
      source: { backfill: 'never', ...scenario.config?.source },
      http: { port: 0 },
    }
    const settings = settingsOf(stringify(config), {
      DATABASE_URL: server.url(),
      MEDIQUO_BASE_URL: sandbox.baseUrl,
      MEDIQUO_API_KEY: defaultKeys.apiKey,
      MEDIQUO_SECRET_KEY: defaultKeys.secretKey,
    })
    const logger = pino({ level: 'silent' })
    const port = await new Promise<number>((onListening, fail) => {
      const run = supervise({
        settings,
        telemetry: { version: '0.0.0', logger },
        sessions: { environmentOptions: '' },
        drain: drain.signal,
        onListening,
      })
      run.catch(fail)
      running.push(run)
    })
    ports.push(port)
    const serving = instance === 0
    await until(async () => {
      const { state } = z
        .object({ state: z.string() })
        .parse(await (await fetch(`http://127.0.0.1:${port}/status`)).json())
      return serving ? state === 'streaming' || state === 'backfilling' : state === 'standby'
    })
  }
  const recording = new Recording()
  const acting = scenario.during?.(scene)
  for (let at = 0; at < samplesOf(scenario); at++) {
    const scrapes = await Promise.all(ports.map(scrape))
    recording.add(new Map(scrapes.flatMap((found) => [...found])))
    await wait(500, AbortSignal.timeout(60_000))
  }
  await acting
  drain.abort()
  await Promise.all(running)
  await pool.end()
  await sandbox.close()
  return recording
}

const expected = (raises: readonly string[], evalTime: string) =>
  rules.map(({ alert, labels, annotations }) => ({
    eval_time: evalTime,
    alertname: alert,
    exp_alerts: raises.includes(alert)
      ? [{ exp_labels: { ...labels, job: 'mediquo-cdc' }, exp_annotations: annotations }]
      : [],
  }))

const tests = await Promise.all(
  scenarios.map(async (scenario) => ({
    name: scenario.name,
    interval: '30s',
    input_series: (await record(scenario)).input,
    alert_rule_test: expected(scenario.raises, `${(samplesOf(scenario) - 1) * 30}s`),
  })),
)
// Scenarios that take too long to record, and those that no healthy process can produce.
tests.push(
  {
    name: 'the second half of a backfill, in which no row is gone (written by hand)',
    interval: '30s',
    input_series: [
      { series: 'mediquo_cdc_state{job="mediquo-cdc",instance="0",state="backfilling"}', values: '1x40' },
      { series: 'mediquo_cdc_backfill_progress_ratio{job="mediquo-cdc",instance="0"}', values: '0.5x40' },
      { series: 'mediquo_cdc_backfill_mark{job="mediquo-cdc",instance="0"}', values: '500+60x40' },
    ],
    alert_rule_test: expected([], '20m'),
  },
  {
    name: 'no instance answers (written by hand)',
    interval: '30s',
    input_series: [{ series: 'up{job="mediquo-cdc",instance="0"}', values: '1 0x40' }],
    alert_rule_test: expected(['MediquoCdcDown'], '20m'),
  },
  {
    name: 'the process is wedged (written by hand)',
    interval: '30s',
    input_series: [{ series: 'mediquo_cdc_healthy{job="mediquo-cdc",instance="0"}', values: '1 0x40' }],
    alert_rule_test: expected(['MediquoCdcWedged'], '20m'),
  },
)
const header =
  '# Made by `npx tsx test/telemetry/record-alerts.ts` from runs of the connector. Try it: promtool test rules FILE\n'
const file = { rule_files: ['mediquo-cdc.rules.yaml'], evaluation_interval: '30s', tests }
writeFileSync(new URL('mediquo-cdc.test.yaml', folder), header + stringify(file, { lineWidth: 0 }))
