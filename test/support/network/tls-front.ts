import { connect } from 'node:net'
import { createServer } from 'node:tls'
import { privateCertificate } from './certificate.ts'
import { join, listening } from './listening.ts'

/** Starts a TLS server for these host names in front of a server without TLS, with a certificate of a private CA. */
export async function tlsFront({ hosts, to }: { readonly hosts: readonly string[]; readonly to: number }) {
  using certificate = privateCertificate(hosts)
  const server = createServer(certificate, (socket) => join(socket, connect(to, '127.0.0.1')))
  return { ...(await listening(server)), ca: certificate.ca }
}
