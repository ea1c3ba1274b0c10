import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join, listening } from './listening.ts'

/**
 * Starts a forward proxy that makes tunnels: `await using proxy = await connectProxy({ to })`. It connects to `to` whatever the target is,
 * so that a host name that does not resolve works only through it. Instead it may refuse, hang up, or stay silent. `asked` lists the
 * targets, in order.
 */
export async function connectProxy({ to }: { readonly to: number | 'refuses' | 'hangs up' | 'is silent' }) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.writeHead(501).end()
  })
  server.on('connect', (request: { readonly url?: string }, socket: Socket) => {
    asked.push(`CONNECT ${request.url}`)
    if (to === 'refuses') socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    if (to === 'hangs up') socket.destroy()
    if (typeof to === 'string') return
    const target = connect(to, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      join(socket, target)
    })
    target.on('error', () => socket.destroy())
  })
  return { ...(await listening(server)), asked }
}
