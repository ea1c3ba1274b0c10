import { type ConnectionOptions, checkServerIdentity } from 'node:tls'
import type { ClientConfig } from 'pg'

/** Settings that secure a connection. */
export interface Security {
  readonly mode: 'disable' | 'require' | 'verify-ca' | 'verify-full'
  readonly host: string
  readonly rootCertificate: string | 'system'
  readonly client: {
    readonly certificate: string
    readonly key: Revealed
    readonly passphrase: Revealed | null
  } | null
}

interface Revealed {
  reveal(): string
}

const parameters = [
  'ssl',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslpassword',
  'sslnegotiation',
  'uselibpqcompat',
]

/** Configures address and TLS. Removes the TLS parameters from the URL, because node-postgres reads them differently than libpq. */
export function securedConnection(
  url: string | null,
  security: Security,
): Pick<ClientConfig, 'connectionString' | 'ssl' | 'sslnegotiation'> {
  const ssl = security.mode === 'disable' ? false : optionsOf(security)
  if (url === null) return { ssl }
  const parsed = new URL(url)
  const isDirect = security.mode !== 'disable' && parsed.searchParams.get('sslnegotiation') === 'direct'
  for (const name of parameters) parsed.searchParams.delete(name)
  return { connectionString: parsed.toString(), ssl, ...(isDirect && { sslnegotiation: 'direct' as const }) }
}

function optionsOf({ mode, host, rootCertificate, client }: Security): ConnectionOptions {
  return {
    rejectUnauthorized: mode !== 'require',
    ...(rootCertificate !== 'system' && { ca: rootCertificate }),
    ...(client && { cert: client.certificate, key: client.key.reveal(), passphrase: client.passphrase?.reveal() }),
    // Node's default would compare the certificate of a host given as an address with the name localhost.
    checkServerIdentity: (_, certificate) =>
      mode === 'verify-full' ? checkServerIdentity(host, certificate) : undefined,
  }
}
