import { eachConcurrently } from '../lifecycle/each-concurrently.ts'
import { jsonText } from '../model/json/json-text.ts'
import type { Mapped, Patient, PatientCode } from '../model/patient/patient.ts'
import type { Lsn } from '../model/source/lsn.ts'
import type { Row, RowKey } from '../model/source/row.ts'
import { unreachable } from '../model/unreachable.ts'
import { type ComparedAttribute, differingAttributes, type FoundAttributes } from './compare.ts'
import type { RowVerdict } from './row-verdict.ts'

/** Rows as one statement sees them. `endLsn`: the WAL insert position after it. */
export interface ReadRows {
  readonly rows: ReadonlyMap<RowKey, Row>
  readonly endLsn: Lsn
}

/** Row that has a patient, with the end LSN of its read. */
export interface SendableRow {
  readonly key: RowKey
  readonly patient: Patient
  readonly endLsn: Lsn
}

/**
 * State of a row's patient. `accepted`: it is exactly what the API accepted last; `settled`: nothing of it is in flight any more;
 * `awaited`: the connector has not handled it yet; `rejected`: the API has rejected it.
 */
export type Standing = 'accepted' | 'settled' | 'awaited' | 'rejected'

/** The table's side of a comparison. */
export interface VerifiedTable {
  readonly map: (row: Row) => Mapped
  readonly readAgain: (keys: readonly RowKey[]) => Promise<ReadRows>
}

/** The API's side of a comparison. */
export interface VerifiedApi {
  /** Reads a patient within the quota; null: the API does not know it. */
  readonly get: (code: PatientCode) => Promise<FoundAttributes | null>
  readonly getsAtOnce: number
}

export interface VerifyRowsOptions {
  readonly table: VerifiedTable
  readonly api: VerifiedApi
  readonly standingOf: (rows: readonly SendableRow[]) => Promise<ReadonlyMap<RowKey, Standing>>
  /** Delays before each repeated comparison of a row, milliseconds: a 200 means queued. The last comparison decides. */
  readonly applyDelaysMs: readonly number[]
  readonly wait: (ms: number) => Promise<void>
}

/**
 * Compares rows with mediQuo's patients. It reads and compares a row that differs again, after increasing delays. A row is different or
 * missing only if (1) the state had finished with exactly this patient before the last delay, (2) mediQuo had something else after it, and
 * (3) the row had still not changed. Otherwise it is pending.
 */
export async function verifyRows(found: ReadRows, options: VerifyRowsOptions): Promise<RowVerdict[]> {
  const { table, api, standingOf, applyDelaysMs, wait } = options
  const verdicts: RowVerdict[] = []
  let suspects = await differing(sendable(found, [...found.rows.keys()], verdicts, table), verdicts, api)
  let standings: ReadonlyMap<RowKey, Standing> = new Map()
  for (const [at, delayMs] of applyDelaysMs.entries()) {
    if (suspects.length === 0) return verdicts
    const keys = keysOf(suspects)
    const rows = sendable(await table.readAgain(keys), keys, verdicts, table)
    if (at === applyDelaysMs.length - 1) standings = await standingOf(rows)
    await wait(delayMs)
    suspects = await differing(rows, verdicts, api)
  }
  if (suspects.length === 0) return verdicts
  const keys = keysOf(suspects)
  const now = new Map(
    sendable(await table.readAgain(keys), keys, verdicts, table).map(({ key, patient }) => [key, patient]),
  )
  for (const suspect of suspects) {
    const patient = now.get(suspect.key)
    if (!patient) continue
    const isSteady = jsonText(patient) === jsonText(suspect.patient)
    verdicts.push(verdictOf(suspect, isSteady ? (standings.get(suspect.key) ?? 'awaited') : 'awaited'))
  }
  return verdicts
}

/** Row whose patient differs at mediQuo. `found`: the attributes that differ; null: mediQuo does not know the code. */
interface Suspect extends SendableRow {
  readonly found: readonly ComparedAttribute[] | null
}

function keysOf(suspects: readonly Suspect[]): RowKey[] {
  return suspects.map(({ key }) => key)
}

/** Returns the rows of these keys that have a patient, and adds a verdict for the others. */
function sendable(
  { rows, endLsn }: ReadRows,
  keys: readonly RowKey[],
  verdicts: RowVerdict[],
  { map }: VerifiedTable,
): SendableRow[] {
  const found: SendableRow[] = []
  for (const key of keys) {
    const row = rows.get(key)
    const mapped: Mapped = row ? map(row) : { kind: 'left out', code: null }
    switch (mapped.kind) {
      case 'patient':
        found.push({ key, patient: mapped.patient, endLsn })
        break
      case 'left out':
        verdicts.push({ kind: 'not compared', code: mapped.code })
        break
      case 'invalid': {
        const attributes = mapped.invalid.map(({ attribute }) => attribute)
        verdicts.push({ kind: 'not sendable', key, code: mapped.code, attributes })
        break
      }
      case 'incomplete':
        throw new Error('a row that was read from the table lacks a column of the mapping')
      default:
        unreachable(mapped)
    }
  }
  return found
}

async function differing(
  rows: readonly SendableRow[],
  verdicts: RowVerdict[],
  { get, getsAtOnce }: VerifiedApi,
): Promise<Suspect[]> {
  const suspects: Suspect[] = []
  await eachConcurrently(rows, getsAtOnce, async (row) => {
    const attributes = await get(row.patient.code)
    const found = attributes && differingAttributes(row.patient, attributes)
    if (found?.length === 0) verdicts.push({ kind: 'same', code: row.patient.code })
    else suspects.push({ ...row, found })
  })
  return suspects
}

function verdictOf({ key, patient, found }: Suspect, standing: Standing): RowVerdict {
  const { code } = patient
  const attributes = found ?? []
  switch (standing) {
    case 'awaited':
      return { kind: 'pending', code, attributes }
    case 'rejected':
      return { kind: 'not sendable', key, code, attributes }
    case 'accepted':
    case 'settled':
      return found === null ? { kind: 'missing', code } : { kind: 'different', code, attributes }
  }
}
