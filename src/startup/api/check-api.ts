import type { PatientAnswer } from '../../mediquo/client.ts'
import { haltReasons, haltSentences } from '../../mediquo/outcome.ts'
import { nobody } from '../../model/patient/nobody.ts'
import type { Finding } from '../../source/requirements/finding.ts'
import type { Resources } from '../resources.ts'
import { getPatient } from './get-patient.ts'

const stopped: PatientAnswer = {
  kind: 'not now',
  outcome: { kind: 'retry', reason: 'stopped', inDoubt: false, status: null },
}

/** Reason why the API answered neither with a patient nor with "not found". */
export type NotNow = Extract<PatientAnswer, { kind: 'not now' }>['outcome']

/** Checks that the API can be reached and accepts the keys. `reachable` is false if trying again later can help. */
export async function checkApi(
  { settings, api }: Pick<Resources, 'settings' | 'api'>,
  signal: AbortSignal,
): Promise<{ readonly reachable: boolean; readonly findings: Finding[] }> {
  const found: PatientAnswer = (await getPatient(api, nobody, signal)) ?? stopped
  const where = settings.mediquo.baseUrl.host
  if (found.kind !== 'not now') {
    return {
      reachable: true,
      findings: [{ requirement: 'the API accepts the keys', met: true, detail: where, fix: null }],
    }
  }
  return { reachable: found.outcome.kind === 'halt', findings: [apiTrouble(found.outcome, settings)] }
}

/** Returns the problem of the API, with its fix. */
export function apiTrouble(outcome: NotNow, { mediquo }: Resources['settings']): Finding {
  if (outcome.kind === 'halt') {
    const reason = haltReasons.find((known) => known === outcome.reason) ?? 'not accepted'
    return { requirement: 'the API accepts the keys', met: false, detail: haltSentences[reason], fix: null }
  }
  const until = outcome.kind === 'pause' && outcome.until !== undefined ? `: wait until ${outcome.until}` : ''
  const why = outcome.kind === 'retry' ? outcome.reason : `status 429${until}`
  return {
    requirement: 'the API can be reached',
    met: false,
    detail: `the API at ${mediquo.baseUrl.host} does not answer as it should (${why})`,
    fix: 'check mediquo.baseUrl, the network, and HTTPS_PROXY',
  }
}
