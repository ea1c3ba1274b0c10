import { createHmac, createSecretKey } from 'node:crypto'
import type { Checkpoint } from '../checkpoint/store/store.ts'
import type { CompiledMapping } from '../mapping/compile.ts'
import { payloadFingerprint } from '../mapping/fingerprint.ts'
import type { Patient } from '../model/patient/patient.ts'
import type { Resources } from './resources.ts'

/**
 * Returns the function that computes the fingerprint of an accepted payload, hexadecimal, with a secret key that is not in the database.
 */
export function createFingerprint(
  { mediquo }: Resources['settings'],
  { fingerprintSalt }: Pick<Checkpoint, 'fingerprintSalt'>,
  { id }: Pick<CompiledMapping, 'id'>,
): (patient: Patient) => string {
  const derived = createHmac('sha256', mediquo.secretKey.current.reveal()).update(fingerprintSalt).digest()
  const key = createSecretKey(derived)
  // Each version needs its fingerprint twice: to compare it before it is sent, and to store it afterwards.
  const known = new WeakMap<Patient, string>()
  return (patient) => {
    const before = known.get(patient)
    if (before !== undefined) return before
    const fingerprint = payloadFingerprint(key, id, patient)
    known.set(patient, fingerprint)
    return fingerprint
  }
}
