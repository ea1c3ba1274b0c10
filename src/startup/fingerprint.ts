import { createHmac, createSecretKey } from 'node:crypto'
import type { Checkpoint } from '../checkpoint/store/store.ts'
import type { CompiledMapping } from '../mapping/compile.ts'
import { payloadFingerprint } from '../mapping/fingerprint.ts'
import type { Patient } from '../model/patient/patient.ts'
import type { Resources } from './resources.ts'

/**
 * Returns the function that computes the fingerprint of an accepted payload, hexadecimal, with a secret key that is not in the database.
 * It is the same under every mapping, so that after a change of the mapping only what differs is sent. Fingerprints of older versions
 * contain the mapping's id, which is therefore kept as the first one.
 */
export function createFingerprint(
  { mediquo }: Resources['settings'],
  { fingerprintSalt, firstMapping }: Pick<Checkpoint, 'fingerprintSalt' | 'firstMapping'>,
  { id }: Pick<CompiledMapping, 'id'>,
): (patient: Patient) => string {
  const derived = createHmac('sha256', mediquo.secretKey.current.reveal()).update(fingerprintSalt).digest()
  const key = createSecretKey(derived)
  // Each version needs its fingerprint twice: to compare it before it is sent, and to store it afterwards.
  const known = new WeakMap<Patient, string>()
  return (patient) => {
    const before = known.get(patient)
    if (before !== undefined) return before
    const fingerprint = payloadFingerprint(key, firstMapping ?? id, patient)
    known.set(patient, fingerprint)
    return fingerprint
  }
}
