import type { Security } from '../../../src/source/connection/secured-connection.ts'

/** Security of a connection on this machine. */
export const unsecured: Security = { mode: 'disable', host: 'localhost', rootCertificate: 'system', client: null }
