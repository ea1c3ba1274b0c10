import { connect } from 'node:net'
import { createServer } from 'node:tls'
import { privateCertificate } from './certificate.ts'
import { join, listening } from './listening.ts'

/** TLS for these host names in front of a server that has none, with a certificate of a private CA. */
export async function tlsFront({ hosts, to }: { readonly hosts: readonly string[]; readonly to: number }) {
  using certificate = privateCertificate(hosts)
  const server = createServer(certificate, (socket) => join(socket, connect(to, '127.0.0.1')))
  return { ...(await listening(server)), ca: certificate.ca }
}
