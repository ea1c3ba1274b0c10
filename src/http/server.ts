import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import type { Status } from '../model/status/status.ts'
import { statusPage } from './page/page.ts'
import { contentSecurityPolicy } from './page/page-policy.ts'
import type { PageView } from './page/page-view.ts'

/** Answers to the probes of an orchestrator. */
export interface Probes {
  /** Returns false once the process needs a restart. */
  readonly healthy: () => boolean
  readonly readiness: () => { readonly ready: boolean; readonly reason: string | null }
}

export interface HttpOptions {
  readonly listen: { readonly host: string; readonly port: number }
  readonly probes: Probes
  readonly status: () => Status
  readonly page: () => PageView
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
}

export interface HttpServer {
  readonly port: number
  close(): Promise<void>
}

/** Serves the endpoints for operators and orchestrators. They show figures and reasons, no value of a row. */
export async function startHttpServer(options: HttpOptions): Promise<HttpServer> {
  const { listen, probes } = options
  const app = new Hono()
  app.get('/healthz', (c) => (probes.healthy() ? c.text('ok\n') : c.text('wedged\n', 503)))
  app.get('/readyz', (c) => {
    const { ready, reason } = probes.readiness()
    return ready ? c.text('ready\n') : c.text(`${reason ?? 'not ready'}\n`, 503)
  })
  app.get('/metrics', async (c) => {
    const { contentType, text } = await options.metrics()
    return c.body(text, 200, { 'content-type': contentType })
  })
  app.get('/status', (c) => c.json(options.status()))
  app.get('/', (c) =>
    c.html(statusPage(options.page()), 200, {
      'content-security-policy': contentSecurityPolicy,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    }),
  )
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: listen.host, port: listen.port }, ({ port }) => {
      resolve({
        port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed())
            if ('closeAllConnections' in server) server.closeAllConnections()
          }),
      })
    })
    server.on('error', reject)
  })
}
