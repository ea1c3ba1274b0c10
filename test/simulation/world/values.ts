import { type Patient, type PatientCode, patientCode } from '../../../src/model/patient/patient.ts'
import { type Lsn, lsn } from '../../../src/model/source/lsn.ts'
import { type RowKey, storedRowKey } from '../../../src/model/source/row.ts'
import type { Snapshot } from '../../../src/model/source/visibility.ts'

export const at = (bytes: number): Lsn => lsn(BigInt(bytes))
export const keyOf = (name: string): RowKey => storedRowKey(`["${name}"]`)
export const codeOf = (name: string): PatientCode => patientCode(name)

/** Creates a patient with this letter. It has a plan: without one it is unsubscribed. */
export function patientOf(code: PatientCode, letter: string): Patient {
  return { code, first_name: letter, gender: 'female', birth_date: '1980-01-01', plan: 'premium' }
}

/** Stands for the keyed hash of a payload: equal payloads have equal fingerprints. */
export const fingerprint = ({ code, first_name, plan }: Patient): string =>
  `${code}=${first_name}${plan === undefined ? '-' : '+'}`

/** Formats a snapshot as `pg_current_snapshot()` prints it. */
export function snapshotText({ xmin, xmax, inProgress }: Snapshot): string {
  return `${xmin}:${xmax}:${[...inProgress].join(',')}`
}

/** Names a change of a row in the stream. */
export function placeOf(commitLsn: number | bigint, ordinal: number, key: string): string {
  return `${commitLsn}/${ordinal}/${key}`
}
