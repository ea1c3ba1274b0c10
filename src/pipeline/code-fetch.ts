import type { Permit, Quota } from '../delivery/quota/quota.ts'
import { recordToUnsubscribe } from '../mapping/record-to-unsubscribe.ts'
import type { MediquoClient } from '../mediquo/client.ts'
import type { Patient, PatientCode } from '../model/patient/patient.ts'
import { codeInAnswer } from '../model/patient/spelling.ts'
import { differingAttributes, type FoundAttributes } from '../verify/compare.ts'
import type { FetchedCode } from './core/events.ts'

/** Connections and services with which a patient is read back. */
export interface CodeFetchPorts {
  readonly client: Pick<MediquoClient, 'get'>
  readonly quota: Pick<Quota, 'pause'>
  readonly permit: Pick<Permit, 'answered'>
  /** Returns true if a row has, or will have, this code. */
  readonly isCodeOfRow: (code: PatientCode) => Promise<boolean>
}

/** Reads a patient back with a permit, and compares it here, where the values are. A 429 pauses the quota. */
export async function fetchCode(
  { client, quota, permit, isCodeOfRow }: CodeFetchPorts,
  { code, expected }: { readonly code: PatientCode; readonly expected: Patient | null },
  signal: AbortSignal,
): Promise<FetchedCode> {
  const { outcome, remaining } = await client.get(code, signal)
  permit.answered(remaining)
  if (outcome.kind === 'not now' && outcome.outcome.kind === 'pause') quota.pause(outcome.outcome.ms)
  if (outcome.kind === 'not now') return { kind: 'not now', isRefused: outcome.outcome.kind === 'halt' }
  if (outcome.kind === 'absent') return outcome
  const { attributes } = outcome
  const isAsExpected = expected !== null && differingAttributes(expected, attributes).length === 0
  const belongsToRow = expected === null && (await isOfAnotherSpelling(code, attributes, isCodeOfRow))
  return { kind: 'patient', isAsExpected, record: belongsToRow ? null : recordToUnsubscribe(code, attributes) }
}

/**
 * Returns true if mediQuo has the patient under another spelling of the code, which is the code of a row: it is that row's patient, and
 * must not be unsubscribed.
 */
async function isOfAnotherSpelling(
  code: PatientCode,
  attributes: FoundAttributes,
  isCodeOfRow: CodeFetchPorts['isCodeOfRow'],
): Promise<boolean> {
  const stored = codeInAnswer(attributes.code)
  return stored !== null && stored !== code && (await isCodeOfRow(stored))
}
