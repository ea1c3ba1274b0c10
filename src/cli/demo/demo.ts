import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { loadSettings } from '../../config/load.ts'
import { wait } from '../../lifecycle/wait.ts'
import { seededRandom } from '../../model/seeded-random.ts'
import { type SandboxApi, startSandboxApi } from '../../sandbox/api-server.ts'
import { startEmbeddedServer } from '../../sandbox/postgres/embedded-server.ts'
import {
  admit,
  type ExpectedPatient,
  expectedPatients,
  hospitalSchema,
  liveChange,
} from '../../sandbox/sample-hospital.ts'
import { defaultKeys } from '../../sandbox/sandbox-state.ts'
import { supervise } from '../../supervisor/supervise.ts'
import { createLogger } from '../../telemetry/logger.ts'
import type { OptionsOf } from '../command-options.ts'
import type { CliContext } from '../context.ts'
import { type Progress, progressReporter } from './demo-progress.ts'

const demoConfig = fileURLToPath(new URL('../../../config/demo.yaml', import.meta.url))
const initialRows = 2_000
const liveChanges = 300
/** Time for both ends to become equal once the hospital is quiet, milliseconds. */
const patienceMs = 60_000

/** Runs a hospital's database, the sandbox API, and the connector between them. @returns 0 if both ends are equal, else 4. */
export async function demoCommand(context: CliContext, options: OptionsOf<'demo'>): Promise<number> {
  const once = options.once
  const say = progressReporter(context.output)
  say.line('starting PostgreSQL')
  await using server = await startEmbeddedServer({ durable: false })
  const pool = new pg.Pool({ connectionString: server.url(), max: 4 })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  const sandbox = await startSandboxApi()
  const finished = new AbortController()
  const listening = deferred<number>()
  try {
    await pool.query(hospitalSchema)
    say.line(`a hospital with ${initialRows} persons`)
    await admit(pool, 1, initialRows)
    const env = {
      DATABASE_URL: server.url(),
      MEDIQUO_BASE_URL: sandbox.baseUrl,
      MEDIQUO_API_KEY: defaultKeys.apiKey,
      MEDIQUO_SECRET_KEY: defaultKeys.secretKey,
    }
    const settings = loadSettings({ configPath: demoConfig, env, cwd: context.cwd })
    const connector = supervise({
      settings,
      telemetry: { version: context.version, logger: createLogger(settings.log.level) },
      sessions: { environmentOptions: '' },
      drain: AbortSignal.any([context.runtime.stop, finished.signal]),
      onListening: listening.resolve,
    })
    connector.catch(listening.reject)
    const status = `http://127.0.0.1:${await listening.promise}`
    say.line(
      `PostgreSQL ${server.url().replace(/:[^:@/]+@/, ':…@')}, sandbox API ${sandbox.baseUrl}, connector ${status}`,
    )
    await untilReady(status, context.runtime.stop)
    const verdict = await hospitalDay({ context, pool, sandbox, once, say })
    finished.abort()
    await connector
    return verdict
  } finally {
    finished.abort()
    await pool.end()
    await sandbox.close()
  }
}

interface Day {
  readonly context: CliContext
  readonly pool: pg.Pool
  readonly sandbox: SandboxApi
  readonly once: boolean
  readonly say: ReturnType<typeof progressReporter>
}

async function hospitalDay({ context, pool, sandbox, once, say }: Day): Promise<number> {
  const random = seededRandom(7)
  let next = initialRows + 1
  let changes = 0
  const compare = async (): Promise<Progress> => {
    const expected = await expectedPatients(pool)
    return {
      rows: expected.length,
      changes,
      different: differences(expected, sandbox),
      requests: sandbox.requests.length,
    }
  }
  say.line(
    `${once ? `${liveChanges} live changes` : 'live changes until Ctrl-C'}, while the rows that were there are read`,
  )
  while (!context.runtime.stop.aborted && (!once || changes < liveChanges)) {
    await liveChange(pool, random, () => next++)
    changes++
    if (changes % 20 === 0) say.progress(await compare())
    if (!once) await wait(100, context.runtime.stop)
  }
  const until = performance.now() + patienceMs
  let last = await compare()
  while (last.different > 0 && performance.now() < until) {
    say.progress(last)
    await wait(200, AbortSignal.timeout(patienceMs))
    last = await compare()
  }
  say.progress(last)
  const equal = last.different === 0
  say.line(equal ? `both ends are equal: ${last.rows} patients` : `${last.different} patients differ`)
  return equal ? 0 : 4
}

/** Counts rows whose patient differs from the table, and subscribed patients without a row. */
function differences(expected: readonly ExpectedPatient[], sandbox: Pick<SandboxApi, 'patients'>): number {
  const stored = sandbox.patients()
  const codes = new Set(expected.map(({ code }) => code))
  const attributes = ['first_name', 'last_name', 'gender', 'birth_date', 'email', 'plan'] as const
  const wrong = expected.filter((patient) => {
    const found = stored.get(patient.code)
    return !found || attributes.some((attribute) => (found[attribute] ?? null) !== patient[attribute])
  })
  const orphans = [...stored.values()].filter((patient) => !codes.has(patient.code) && patient.unsubscribed_at === null)
  return wrong.length + orphans.length
}

async function untilReady(url: string, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const ready = await fetch(`${url}/readyz`)
      .then((response) => response.ok)
      .catch(() => false)
    if (ready) return
    await wait(50, stop)
  }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (reason: unknown) => void } {
  let resolve: (value: T) => void = () => undefined
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil
    reject = refuse
  })
  return { promise, resolve, reject }
}
