import { readFileSync } from 'node:fs'
import { type Environment, errorCode } from './input/environment.ts'
import { Secret } from './value/secret.ts'

/** libpq's words for how a connection is secured. `verify-ca`: by whom the certificate is signed; `verify-full`: and for whom. */
export const tlsModes = ['disable', 'require', 'verify-ca', 'verify-full'] as const
export type TlsMode = (typeof tlsModes)[number]

/** How a connection to PostgreSQL is secured, the files read. PostgreSQL manual, libpq, "SSL Support". */
export interface TlsSettings {
  readonly mode: TlsMode
  /** The host that a certificate must be for. */
  readonly host: string
  /** PEM; `system`: the CAs that Node trusts, with those of NODE_EXTRA_CA_CERTS. */
  readonly rootCertificate: string | 'system'
  readonly client: { readonly certificate: string; readonly key: Secret; readonly passphrase: Secret | null } | null
}

type Name = 'sslmode' | 'sslrootcert' | 'sslcert' | 'sslkey'

/** Of a key that wants a passphrase. RFC 7468; RFC 1421 for the older form. */
const encrypted = /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m

/**
 * The connection's own parameters, else the libpq variables (PGSSLMODE, PGSSLROOTCERT, PGSSLCERT, PGSSLKEY). `prefer` and `allow` are
 * refused: they go on without TLS where somebody in between wishes it. A fault names no value but the mode.
 */
export function readTls(
  url: string | null,
  env: Environment,
): { readonly tls: TlsSettings } | { readonly fault: string } {
  const parsed = url !== null && URL.canParse(url) ? new URL(url) : null
  const given = (name: Name) => parsed?.searchParams.get(name) || env[`PG${name.toUpperCase()}`] || null
  const said = given('sslmode') ?? shorthand(parsed?.searchParams.get('ssl') ?? null)
  const [rootFile, certificateFile, keyFile] = (['sslrootcert', 'sslcert', 'sslkey'] as const).map(given)
  const mode = tlsModes.find((known) => known === (said ?? 'disable'))
  if (mode === undefined)
    return {
      fault: `sslmode=${said} is not one of ${tlsModes.join(', ')}: the connection might go unprotected unnoticed`,
    }
  if (said === null && (rootFile || certificateFile || keyFile))
    return { fault: 'names certificates without an sslmode; say sslmode=verify-full' }
  // With a root certificate, `require` verifies as well: see below.
  if (rootFile === 'system' ? mode !== 'verify-full' : mode === 'verify-ca' && !rootFile)
    return {
      fault: `sslmode=${mode} needs an sslrootcert of your own, or be verify-full: else anybody with a certificate would do`,
    }
  if (Boolean(certificateFile) !== Boolean(keyFile)) return { fault: 'needs both of sslcert and sslkey, or neither' }
  try {
    // In the order in which node-postgres takes them.
    const host = parsed?.searchParams.get('host') || parsed?.hostname || env.PGHOST || 'localhost'
    const rootCertificate = rootFile && rootFile !== 'system' ? readFileSync(rootFile, 'utf8') : 'system'
    const passphrase = parsed?.searchParams.get('sslpassword') || null
    const client =
      certificateFile && keyFile
        ? {
            certificate: readFileSync(certificateFile, 'utf8'),
            key: new Secret(readFileSync(keyFile, 'utf8')),
            passphrase: passphrase === null ? null : new Secret(passphrase),
          }
        : null
    if (client !== null && passphrase === null && encrypted.test(client.key.reveal()))
      return { fault: 'names an sslkey that is encrypted: give its passphrase in the parameter sslpassword' }
    // As libpq: a root certificate that is there is not left unused.
    const verified = mode === 'require' && rootFile ? 'verify-ca' : mode
    return { tls: { mode: verified, host: host.replace(/^\[|\]$/g, ''), rootCertificate, client } }
  } catch (error) {
    return { fault: `names a certificate or key that cannot be read (${errorCode(error)})` }
  }
}

/** node-postgres has a parameter of its own. */
function shorthand(ssl: string | null): string | null {
  if (ssl === null) return null
  return ssl === 'true' || ssl === '1' ? 'verify-full' : 'disable'
}
