import type { CodeEnd } from '../../../model/patient/code-end.ts'
import type { PatientCode } from '../../../model/patient/patient.ts'
import type { FetchedCode } from '../events.ts'
import type { Confirming } from './confirming.ts'

/** A code whose record was fetched, and what is known of it. Times are in milliseconds. */
export interface FetchedEnding {
  readonly code: PatientCode
  /** True if mediQuo accepted something with the code: it has the patient, whether it shows it or not. */
  readonly isAccepted: boolean
  /** Time since which the patient is looked for in vain; null: it was not looked for. */
  readonly soughtSinceMs: number | null
}

/** Circumstances of an answer. */
export interface FetchContext {
  readonly confirming: Pick<Confirming, 'lostUntilMs' | 'subscribesUntilMs'>
  /** True if other codes can be read. */
  readonly isReadable: boolean
  readonly nowMs: number
}

/**
 * Next step for a code: it is resolved, is looked for again after a delay, or the request is repeated soon. `soughtSinceMs`: as in
 * `FetchedEnding`.
 */
export type AfterFetch =
  | { readonly kind: 'resolved'; readonly end: CodeEnd }
  | { readonly kind: 'look again'; readonly delayMs: number; readonly soughtSinceMs: number | null }
  | { readonly kind: 'repeat'; readonly soughtSinceMs: number | null }

/** A patient that is not shown is looked for again after as long as it was looked for so far, within these bounds, milliseconds. */
const lookAgain = { minMs: 1_000, maxMs: 60_000 }
/** A patient that is not shown for this long cannot be unsubscribed, milliseconds. */
const giveUpAfterMs = 300_000

/**
 * Rule 20: decides what follows from the answer to a GET of a code that is to be unsubscribed. Absence is not believed of a patient that
 * mediQuo accepted: a request may be applied minutes after its answer, and a server may be unable to find some codes. The patient is
 * looked for again, and the code is a dead letter after some minutes. So is a code that cannot be read back while others can.
 */
export function afterFetch(
  { code, isAccepted, soughtSinceMs }: FetchedEnding,
  found: FetchedCode,
  { confirming, isReadable, nowMs }: FetchContext,
): AfterFetch {
  switch (found.kind) {
    case 'patient': {
      if (found.record) return { kind: 'resolved', end: { kind: 'send', patient: found.record } }
      // It is unsubscribed: a request that was accepted or lost may still subscribe it.
      const delayMs = confirming.subscribesUntilMs(code) - nowMs
      if (delayMs > 0) return { kind: 'look again', delayMs, soughtSinceMs: null }
      return { kind: 'resolved', end: { kind: 'ended' } }
    }
    case 'absent': {
      const lostForMs = confirming.lostUntilMs(code) - nowMs
      if (isAccepted) {
        const sinceMs = soughtSinceMs ?? nowMs
        const soughtForMs = nowMs - sinceMs
        if (soughtForMs >= giveUpAfterMs && lostForMs <= 0) return { kind: 'resolved', end: { kind: 'unknown' } }
        const delayMs = Math.min(lookAgain.maxMs, Math.max(lookAgain.minMs, soughtForMs))
        return { kind: 'look again', delayMs, soughtSinceMs: sinceMs }
      }
      // A lost request may still create the patient.
      if (lostForMs > 0) return { kind: 'look again', delayMs: lostForMs, soughtSinceMs: null }
      return { kind: 'resolved', end: { kind: 'ended' } }
    }
    case 'not now': {
      // While no other code can be read back either, the failure says nothing about this one.
      const sinceMs = isReadable ? (soughtSinceMs ?? nowMs) : null
      if (sinceMs !== null && nowMs - sinceMs >= giveUpAfterMs) return { kind: 'resolved', end: { kind: 'unknown' } }
      return { kind: 'repeat', soughtSinceMs: sinceMs }
    }
  }
}
