import type { Permit, Quota } from '../delivery/quota/quota.ts'
import { recordToUnsubscribe } from '../mapping/record-to-unsubscribe.ts'
import type { MediquoClient } from '../mediquo/client.ts'
import type { Patient, PatientCode } from '../model/patient/patient.ts'
import { differingAttributes } from '../verify/compare.ts'
import type { FetchedCode } from './core/events.ts'

/** Reads a patient back with a permit, and compares it here, where the values are. A 429 pauses the quota. */
export async function fetchCode(
  { client, quota, permit }: { readonly client: MediquoClient; readonly quota: Quota; readonly permit: Permit },
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
  return { kind: 'patient', isAsExpected, record: recordToUnsubscribe(code, attributes) }
}
