import type pg from 'pg'
import { type EmbeddedServer, startEmbeddedServer } from '../src/sandbox/postgres/embedded-server.ts'
import { newPool } from '../test/support/postgres/connections.ts'
import { type SandboxProcess, startSandbox } from './sandbox-process.ts'

/** Default names of the connector. */
export const slot = 'mediquo_cdc'
export const publication = 'mediquo_cdc'

/** Table whose columns are named like the API's attributes. */
const patientsTable = `
  create table patients (
    code text primary key, first_name text not null, last_name text, gender text not null, birth_date date not null,
    email text, plan text, visits int not null default 0)`

/** Columns that every patient of the benchmarks has. */
export const patientColumns = 'code, first_name, last_name, gender, birth_date, email, plan'

/** Expression for each of these columns, from a number `i`. */
export const inventedPatient = `
  'P' || i, 'Given' || i, 'Family' || i, case when i % 2 = 0 then 'female' else 'male' end,
  date '1930-01-01' + i % 30000, 'person' || i || '@example.org', 'premium'`

/** Environment of a benchmark: a PostgreSQL server of its own, and the sandbox API in another process. */
export interface Stand extends AsyncDisposable {
  readonly server: EmbeddedServer
  readonly pool: pg.Pool
  readonly sandbox: SandboxProcess
}

/** Starts both. The table contains this number of patients, with the codes P1, P2 and so on. */
export async function openStand(options: {
  readonly rows: number
  readonly requestsPerMinute?: number
  /** Statements that change the table before it is filled, or fill it themselves. */
  readonly setup?: string
  /** The sandbox keeps the patients that it was sent, if true. */
  readonly recordPatients?: boolean
}): Promise<Stand> {
  const server = await startEmbeddedServer({ durable: false, settings: { max_wal_size: '8GB' } })
  const pool = newPool({ connectionString: server.url(), max: 8 })
  try {
    await pool.query(patientsTable)
    if (options.setup !== undefined) await pool.query(options.setup)
    await pool.query(
      `insert into patients (${patientColumns}) select ${inventedPatient} from generate_series(1, ${options.rows}) i`,
    )
    const sandbox = await startSandbox(options)
    return {
      server,
      pool,
      sandbox,
      async [Symbol.asyncDispose]() {
        await sandbox[Symbol.asyncDispose]()
        await pool.end()
        await server.destroy()
      },
    }
  } catch (error) {
    await pool.end()
    await server.destroy()
    throw error
  }
}
