import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import type { Status } from '../model/status/status.ts'
import { statusPage } from './page/page.ts'
import { contentSecurityPolicy } from './page/page-policy.ts'
import type { PageView } from './page/page-view.ts'

export interface HttpOptions {
  readonly host: string
  readonly port: number
  readonly status: () => Status
  readonly readiness: () => { readonly ready: boolean; readonly reason: string | null }
  readonly page: () => PageView
  readonly healthy: () => boolean
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
}

export interface HttpServer {
  readonly port: number
  close(): Promise<void>
}

/** Serves the endpoints for operators and orchestrators. They show figures and reasons, no value of a row. */
export async function startHttpServer(options: HttpOptions): Promise<HttpServer> {
  const app = new Hono()
  app.get('/healthz', (c) => (options.healthy() ? c.text('ok\n') : c.text('wedged\n', 503)))
  app.get('/readyz', (c) => {
    const { ready, reason } = options.readiness()
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
    const server = serve({ fetch: app.fetch, hostname: options.host, port: options.port }, ({ port }) => {
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
