import type { Readable } from 'node:stream'

/** Takes a socket's data away from its only reader, the protocol parser of pg. @returns a function that passes bytes to that parser. */
export function divertData(socket: Readable, read: (chunk: Buffer) => void): (bytes: Buffer) => void {
  const [parse, ...others] = socket.listeners('data')
  if (!parse || others.length > 0) throw new Error('pg no longer reads its socket in one place')
  socket.off('data', parse as (chunk: Buffer) => void)
  socket.on('data', read)
  return (bytes) => parse.call(socket, bytes)
}
