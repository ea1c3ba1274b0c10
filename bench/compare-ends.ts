import type { SandboxProcess } from './sandbox-process.ts'
import type { Stand } from './stand.ts'

/** Numbers of patients that differ between the table and the API. */
export interface Differences {
  readonly compared: number
  readonly missing: number
  readonly different: number
  /** Subscribed at the API without a row. */
  readonly surplus: number
}

interface CompareOptions {
  /** Column in addition to those of every table. */
  readonly extraColumn?: 'meta'
  /** Fetches each patient through the API, because all patients together would exceed the largest string of V8. Ignores a surplus. */
  readonly isOneByOne?: boolean
}

interface Row {
  readonly code: string
  readonly [attribute: string]: unknown
}

type Patient = Readonly<Record<string, unknown>>

const attributes = ['first_name', 'last_name', 'gender', 'birth_date', 'email', 'plan', 'meta']
const concurrentGets = 8

/** Compares every attribute of every patient. */
export async function compareEnds({ pool, sandbox }: Stand, options: CompareOptions = {}): Promise<Differences> {
  const { extraColumn, isOneByOne = false } = options
  const patients = new Map<unknown, Patient>()
  if (!isOneByOne) for (const patient of await sandbox.patients()) patients.set(patient.code, patient)
  const columns = `code, first_name, last_name, gender, birth_date::text, email, plan${extraColumn ? `, ${extraColumn}` : ''}`
  let compared = 0
  let missing = 0
  let different = 0
  let after = ''
  for (;;) {
    const { rows } = await pool.query<Row>(
      `select ${columns} from patients where code > $1 order by code limit ${isOneByOne ? 200 : 20_000}`,
      [after],
    )
    if (isOneByOne) await getPatients(sandbox, { codes: rows.map(({ code }) => code), into: patients })
    for (const row of rows) {
      const patient = patients.get(row.code)
      if (!patient) missing++
      else if (!isEqual(row, patient)) different++
      patients.delete(row.code)
    }
    compared += rows.length
    const last = rows.at(-1)
    if (!last) break
    after = last.code
  }
  const surplus = [...patients.values()].filter(({ plan }) => plan !== null).length
  return { compared, missing, different, surplus }
}

export function areEqual({ missing, different, surplus }: Differences): boolean {
  return missing + different + surplus === 0
}

function isEqual(row: Row, patient: Patient): boolean {
  return attributes.every((name) => JSON.stringify(row[name] ?? null) === JSON.stringify(patient[name] ?? null))
}

async function getPatients(
  { baseUrl, keys }: SandboxProcess,
  { codes, into }: { readonly codes: readonly string[]; readonly into: Map<unknown, Patient> },
): Promise<void> {
  const headers = { 'x-api-key': keys.apiKey, 'x-secret-key': keys.secretKey, accept: 'application/json' }
  const remaining = codes.values()
  const work = async () => {
    for (const code of remaining) {
      const response = await fetch(`${baseUrl}/patients/${encodeURIComponent(code)}`, { headers })
      const body = (await response.json()) as Patient
      if (response.status === 200) into.set(code, body)
      else if (response.status !== 404) throw new Error(`the sandbox answers ${response.status} to GET`)
    }
  }
  await Promise.all(Array.from({ length: concurrentGets }, work))
}
