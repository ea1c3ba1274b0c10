import { createHmac } from 'node:crypto'
import type { Checkpoint } from '../checkpoint/store.ts'
import type { CompiledMapping } from '../mapping/compile.ts'
import { payloadFingerprint } from '../mapping/fingerprint.ts'
import type { Patient } from '../model/patient.ts'
import type { Resources } from './resources.ts'

/** What the state keeps of an accepted payload, hexadecimal. Keyed by a secret that is not in the database. */
export function createFingerprint(
  { mediquo }: Resources['settings'],
  { fingerprintSalt }: Pick<Checkpoint, 'fingerprintSalt'>,
  { id }: Pick<CompiledMapping, 'id'>,
): (patient: Patient) => string {
  const key = createHmac('sha256', mediquo.secretKey.current.reveal()).update(fingerprintSalt).digest()
  return (patient) => payloadFingerprint(key, id, patient).toString('hex')
}
