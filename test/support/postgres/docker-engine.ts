import { stat } from 'node:fs/promises'
import { type RequestOptions, request } from 'node:http'
import { connect } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'

const answersWithinMs = 1500

/** Returns true if a Docker engine answers within two seconds, at DOCKER_HOST or at one of the usual sockets. */
export async function dockerEngineAnswers(): Promise<boolean> {
  const host = process.env.DOCKER_HOST
  if (host === undefined || host === '') {
    const sockets = ['/var/run/docker.sock', join(homedir(), '.docker/run/docker.sock'), ...rootlessSockets()]
    const answers = await Promise.all(
      sockets.map(async (path) => (await isSocket(path)) && (await ping({ socketPath: path }))),
    )
    return answers.includes(true)
  }
  if (!URL.canParse(host)) return false
  const url = new URL(host)
  if (url.protocol === 'unix:') return await ping({ socketPath: url.pathname })
  const port = Number(url.port || 2375)
  return process.env.DOCKER_TLS_VERIFY ? await accepts(url.hostname, port) : await ping({ host: url.hostname, port })
}

function rootlessSockets(): string[] {
  const runtimeDir = process.env.XDG_RUNTIME_DIR
  return runtimeDir ? [join(runtimeDir, 'docker.sock')] : []
}

async function isSocket(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isSocket(),
    () => false,
  )
}

function ping(address: RequestOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(answersWithinMs)
    const asked = request({ ...address, path: '/_ping', signal }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    asked.on('error', () => resolve(false))
    asked.end()
  })
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: answersWithinMs })
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true))
    socket.once('timeout', () => settle(false))
    socket.once('error', () => settle(false))
  })
}
