import { type Patient, patientCode } from '../../src/model/patient/patient.ts'
import type { StoredRow } from '../../src/model/progress/stored-row.ts'
import { type Lsn, lsn } from '../../src/model/source/lsn.ts'
import type { Position } from '../../src/model/source/position.ts'
import { storedRowKey } from '../../src/model/source/row.ts'
import { type Snapshot, xid } from '../../src/model/source/visibility.ts'
import { Entry, type EntryView } from '../../src/pending/entry/entry.ts'
import type { Content, Version } from '../../src/pending/entry/version.ts'

export const at = (bytes: number): Lsn => lsn(BigInt(bytes))
export const position = (bytes: number, ordinal = 1): Position => ({ commitLsn: at(bytes), ordinal })
export const key = (name: string) => storedRowKey(`["${name}"]`)
export const code = patientCode

export function patient(of: string, name = 'Jane'): Patient {
  return { code: code(of), first_name: name, gender: 'female', birth_date: '1980-01-01', plan: 'premium' }
}
export const upsert = (of: string, name?: string): Content => ({ kind: 'patient', patient: patient(of, name) })
export const removed = (of: string | null = null): Content => ({
  kind: 'removed',
  code: of === null ? null : code(of),
  patient: null,
})

/** Creates a snapshot that contains the transactions with smaller ids. */
export const seesBelow = (id: number): Snapshot => ({
  xmin: xid(BigInt(id)),
  xmax: xid(BigInt(id)),
  inProgress: new Set(),
})

export const fingerprint = (of: Patient) => JSON.stringify(of)

/** Creates the row record of a delivered row. */
export function delivered(name: string, of: Patient, changes: Partial<StoredRow> = {}): StoredRow {
  return {
    key: key(name),
    code: of.code,
    fingerprint: fingerprint(of),
    removed: false,
    position: position(1),
    xid: xid(1n),
    deadLetter: null,
    formerCodes: [],
    unacceptedCodes: [],
    owed: null,
    ...changes,
  }
}

/** Creates the content of a change that lacks a value, or must not be sent as it came. */
export const incomplete = (of: string | null = null): Content => ({
  kind: 'incomplete',
  code: of === null ? null : code(of),
})

/** Creates a version of a row, from the stream unless `changes` says otherwise. */
export function version(content: Content, changes: Partial<Version> = {}): Version {
  return {
    content,
    origin: 'stream',
    lane: 'live',
    committedAtMs: 0,
    bytes: 1,
    read: null,
    position: null,
    xid: null,
    debt: null,
    backfillDebt: null,
    ...changes,
  }
}

/** Creates the view of an entry without known facts, with these changes, for the pure decisions. */
export function entryView(name: string, changes: Partial<EntryView> = {}): EntryView {
  return {
    key: key(name),
    stored: undefined,
    known: null,
    waiting: null,
    inFlight: null,
    inDoubt: false,
    unanswered: false,
    unconfirmed: [],
    removal: null,
    resolving: null,
    formerCodes: [],
    acceptedCodes: [],
    refusedCodes: [],
    read: null,
    expected: false,
    unrecorded: null,
    ...changes,
  }
}

/** Creates a loaded entry in which these versions arrived, one after the other. */
export function entryOf(name: string, stored: StoredRow | null, ...versions: readonly Version[]): Entry {
  const entry = new Entry(key(name))
  entry.load(stored)
  for (const one of versions) entry.arrive(one)
  return entry
}
