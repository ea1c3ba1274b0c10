import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join, listening } from './listening.ts'

/**
 * A forward proxy that makes tunnels: `await using proxy = await connectProxy({ to })`. Whatever it is asked for, it connects to
 * `to`, so that a name that nobody else knows works through it alone; or it refuses, hangs up, or never says anything. `asked`:
 * the targets, in order.
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
