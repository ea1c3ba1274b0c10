import type { Store } from '../checkpoint/store/store.ts'
import { wait } from '../lifecycle/wait.ts'
import type { CompiledMapping } from '../mapping/compile.ts'
import type { Patient } from '../model/patient/patient.ts'
import type { StoredRow } from '../model/progress/stored-row.ts'
import type { Lsn } from '../model/source/lsn.ts'
import type { TableReader } from '../source/table/table-reader.ts'
import type { SendableRow, Standing, VerifiedApi, VerifyRowsOptions } from '../verify/verify-rows.ts'

export interface ReadBackOptions {
  readonly reader: TableReader
  readonly mapping: CompiledMapping
  readonly api: VerifiedApi
  /** Delays after each of which a row that differs is compared again, milliseconds. */
  readonly applyDelaysMs: readonly number[]
  /** Row records; null if no connector has ever been started. */
  readonly state: {
    readonly store: Pick<Store, 'lookUp'>
    readonly fingerprint: (patient: Patient) => string
    /** Returns true once everything up to a position is settled; it may wait for it. */
    readonly hasSettled: (lsn: Lsn) => Promise<boolean>
  } | null
  readonly signal: AbortSignal
}

/** Returns the options for verifying rows against the API, the table and the row records. */
export function readBackOptions(options: ReadBackOptions): VerifyRowsOptions {
  const { reader, mapping, api, applyDelaysMs, state, signal } = options

  async function standingOf(rows: readonly SendableRow[]): Promise<Map<SendableRow['key'], Standing>> {
    if (!state) return new Map(rows.map(({ key }) => [key, 'settled']))
    const stored = await state.store.lookUp(rows.map(({ key }) => key))
    const standings = new Map<SendableRow['key'], Standing>()
    const others: SendableRow[] = []
    for (const row of rows) {
      const known = knownStanding(row.patient, stored.get(row.key), state.fingerprint)
      if (known) standings.set(row.key, known)
      else others.push(row)
    }
    if (others.length === 0) return standings
    const readTo = others.map(({ endLsn }) => endLsn).reduce((a, b) => (a > b ? a : b))
    const standing = (await state.hasSettled(readTo)) ? 'settled' : 'awaited'
    for (const { key } of others) standings.set(key, standing)
    return standings
  }

  return {
    table: { map: (row) => mapping.map(row), readAgain: (keys) => reader.byKey(keys) },
    api,
    standingOf,
    applyDelaysMs,
    wait: (ms) => wait(ms, signal),
  }
}

/**
 * Returns the standing of a row that its row record alone decides. A matching fingerprint means that the API has accepted exactly
 * this patient, and nothing since: the fingerprint is cleared before anything else is sent. This holds wherever the checkpoint is,
 * and while no connector runs.
 */
function knownStanding(
  patient: Patient,
  stored: StoredRow | undefined,
  fingerprint: (patient: Patient) => string,
): Standing | null {
  const isAccepted = stored?.code === patient.code && stored.fingerprint === fingerprint(patient)
  // The dead letter of an accepted row is of a former code.
  if (isAccepted) return 'accepted'
  return stored?.deadLetter ? 'rejected' : null
}
