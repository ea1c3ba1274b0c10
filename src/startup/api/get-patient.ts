import type { PatientAnswer } from '../../mediquo/client.ts'
import type { PatientCode } from '../../model/patient/patient.ts'
import type { Resources } from '../resources.ts'

/** Reads a patient within the quota, which a 429 pauses. Null once the signal aborts. */
export async function getPatient(
  { client, quotas }: Resources['api'],
  code: PatientCode,
  signal: AbortSignal,
): Promise<PatientAnswer | null> {
  const permit = await quotas.get.next(signal)
  if (!permit) return null
  const { outcome, remaining } = await client.get(code, signal)
  permit.answered(remaining)
  if (outcome.kind === 'not now' && outcome.outcome.kind === 'pause') quotas.get.pause(outcome.outcome.ms)
  return outcome
}
