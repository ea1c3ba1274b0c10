import { readFileSync } from 'node:fs'
import { type Environment, errorCode } from './input/environment.ts'
import { Secret } from './value/secret.ts'

/** Values of libpq's `sslmode` that are supported. `verify-ca` checks the certificate's issuer, `verify-full` also its host. */
export const tlsModes = ['disable', 'require', 'verify-ca', 'verify-full'] as const
export type TlsMode = (typeof tlsModes)[number]

/** TLS settings of a connection to PostgreSQL, with the content of the files. PostgreSQL manual, libpq, "SSL Support". */
export interface TlsSettings {
  readonly mode: TlsMode
  /** Host that the certificate must match. */
  readonly host: string
  /** PEM; `system`: the CAs that Node trusts, including those of NODE_EXTRA_CA_CERTS. */
  readonly rootCertificate: string | 'system'
  readonly client: { readonly certificate: string; readonly key: Secret; readonly passphrase: Secret | null } | null
}

type Name = 'sslmode' | 'sslrootcert' | 'sslcert' | 'sslkey'

/** Header of a key that needs a passphrase. RFC 7468; RFC 1421 for the older form. */
const encrypted = /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m

/**
 * Reads the parameters of the connection, else the libpq variables (PGSSLMODE, PGSSLROOTCERT, PGSSLCERT, PGSSLKEY). It rejects `prefer` and
 * `allow`, because an attacker in between can make them continue without TLS. A fault contains no value but the mode.
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
    // Same precedence as in node-postgres.
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
    // Like libpq: a root certificate turns `require` into `verify-ca`.
    const verified = mode === 'require' && rootFile ? 'verify-ca' : mode
    return { tls: { mode: verified, host: host.replace(/^\[|\]$/g, ''), rootCertificate, client } }
  } catch (error) {
    return { fault: `names a certificate or key that cannot be read (${errorCode(error)})` }
  }
}

/** Converts the parameter `ssl` of node-postgres to an sslmode. */
function shorthand(ssl: string | null): string | null {
  if (ssl === null) return null
  return ssl === 'true' || ssl === '1' ? 'verify-full' : 'disable'
}
