import type { Patient, PatientCode } from '../../model/patient/patient.ts'
import type { EntryView } from './entry.ts'
import { codesToEnd } from './entry-facts.ts'
import type { Purpose } from './version.ts'

/** The next step for a row's waiting version. */
export type Step =
  | { readonly kind: 'look up' }
  | { readonly kind: 'read' }
  | { readonly kind: 'resolve removal'; readonly code: PatientCode; readonly patient: Patient | null }
  | { readonly kind: 'send'; readonly purpose: Purpose; readonly code: PatientCode; readonly patient: Patient }
  | { readonly kind: 'settle'; readonly outcome: UnsentOutcome }
  | { readonly kind: 'forget old code'; readonly code: PatientCode; readonly isLeft: boolean }
  | { readonly kind: 'reject old code'; readonly code: PatientCode }

/** Outcomes of a version that is settled without a request. */
export const unsentOutcomes = ['unchanged', 'ignored', 'nothing to remove', 'dead letter'] as const
export type UnsentOutcome = (typeof unsentOutcomes)[number]

export interface StepPolicy {
  readonly onDelete: 'ignore' | 'unsubscribe'
  /** Keyed hash of a payload, hexadecimal. */
  readonly fingerprint: (patient: Patient) => string
}

/**
 * Decides the next step of an entry with a waiting version and nothing in flight. Pure.
 * @param compares true to compare the patient with what the API has. If false, it is to be sent, and compared when its turn comes.
 */
export function nextStep(entry: EntryView, policy: StepPolicy, compares = true): Step {
  const content = entry.waiting?.content
  if (!content) throw new Error('a row without a waiting version has no next step')
  // 1. Nothing is decided before the row's record is loaded: it may contain a dead letter or an older code.
  if (entry.stored === undefined) return { kind: 'look up' }
  const stored = entry.stored
  switch (content.kind) {
    // 2. A value that the change did not carry must be read: sending null instead would erase it.
    case 'incomplete':
      return { kind: 'read' }
    case 'invalid': {
      // A dead letter keeps the code that the store has of the row. The other codes would be forgotten, even its present code, if
      // another row left that to it.
      const kept = stored && !stored.removed ? stored.code : null
      const [old] = codesToEnd(entry, kept ?? content.code)
      if (policy.onDelete === 'unsubscribe' && old !== undefined)
        return unsubscriptionOf(entry, 'unsubscribe code', old, null)
      return { kind: 'settle', outcome: 'dead letter' }
    }
    case 'patient': {
      const { patient } = content
      // 3. The row had another code: unsubscribe that first, so that a crash in between cannot forget it.
      if (policy.onDelete === 'unsubscribe') {
        const [old] = codesToEnd(entry, patient.code)
        if (old !== undefined) return unsubscriptionOf(entry, 'unsubscribe code', old, null)
      }
      // 4. The API has exactly this patient, unless something may have overtaken it.
      if (compares && !entry.inDoubt && stored?.fingerprint && stored.code === patient.code) {
        if (stored.fingerprint === policy.fingerprint(patient)) return { kind: 'settle', outcome: 'unchanged' }
      }
      return { kind: 'send', purpose: 'upsert', code: patient.code, patient }
    }
    case 'removed': {
      const code = content.code ?? stored?.code ?? codesToEnd(entry, null)[0] ?? null
      const [old] = codesToEnd(entry, code)
      if (stored?.removed && stored.code === code && old === undefined && !entry.inDoubt)
        return { kind: 'settle', outcome: 'unchanged' }
      if (policy.onDelete === 'ignore') return { kind: 'settle', outcome: 'ignored' }
      // 5. A row that the store does not know may be known to the API: give up only if no code is known.
      if (code === null) return { kind: 'settle', outcome: 'nothing to remove' }
      if (old !== undefined) return unsubscriptionOf(entry, 'unsubscribe code', old, null)
      return unsubscriptionOf(entry, 'remove', code, content.code === code ? content.patient : null)
    }
  }
}

function unsubscriptionOf(
  entry: EntryView,
  purpose: 'unsubscribe code' | 'remove',
  code: PatientCode,
  old: Patient | null,
): Step {
  const { removal } = entry
  if (removal?.code !== code) return { kind: 'resolve removal', code, patient: old }
  if (removal.kind === 'unknown')
    return purpose === 'remove' ? { kind: 'settle', outcome: 'dead letter' } : { kind: 'reject old code', code }
  if (removal.kind !== 'send') {
    const isLeft = removal.kind === 'left'
    return purpose === 'remove'
      ? { kind: 'settle', outcome: 'nothing to remove' }
      : { kind: 'forget old code', code, isLeft }
  }
  const { plan: _, ...withoutPlan } = removal.patient
  return { kind: 'send', purpose, code, patient: withoutPlan }
}
