import { patientCode } from './patient.ts'

/** Code that no patient has. A request for it shows whether the API is there and accepts the keys. */
export const nobody = patientCode('mediquo-cdc-check')
