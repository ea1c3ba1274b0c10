import type { Settings } from '../../config/settings.ts'

/** Returns `/status` of the connector that runs with these settings; null if none answers here. */
export async function askConnector({ http }: Pick<Settings, 'http'>): Promise<Record<string, unknown> | null> {
  const host = http.host === '0.0.0.0' ? '127.0.0.1' : http.host
  try {
    const response = await fetch(`http://${host}:${http.port}/status`, { signal: AbortSignal.timeout(2_000) })
    return response.ok ? ((await response.json()) as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** Returns when a requested backfill run begins, in words. */
export function whenItBegins(isRunning: boolean): string {
  return isRunning ? 'the connector begins within seconds' : 'the next run of the connector begins it'
}
