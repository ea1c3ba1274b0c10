import { type BuiltProcess, startBuilt } from './built-process.ts'

/** Part of a recorded request that the benchmarks read. Times are milliseconds of the epoch. */
export interface Arrival {
  readonly id: number
  readonly epochMs: number
  readonly endpoint: 'put' | 'get' | null
  readonly codes: readonly string[]
  /** Patients of the request, if the sandbox keeps them. */
  readonly patients?: readonly {
    readonly code: string
    readonly email?: string | null
    readonly plan?: string | null
  }[]
  readonly status: number | null
  /** Time on a monotonic clock, milliseconds. */
  readonly arrivedAtMs: number
  readonly answeredAtMs: number | null
}

/** Sandbox in a process of its own, which answers and applies immediately. */
export interface SandboxProcess extends AsyncDisposable {
  readonly baseUrl: string
  readonly keys: { readonly apiKey: string; readonly secretKey: string }
  /** Changes its settings (`src/sandbox/api/settings.ts`). */
  change(settings: object): Promise<void>
  /** Sets faults that stay until cleared (`src/sandbox/api/faults.ts`). */
  faults(faults: readonly object[]): Promise<void>
  clearFaults(): Promise<void>
  /** Sets a new limit, and begins to count from zero. */
  limit(requestsPerMinute: number): Promise<void>
  /** Returns the recorded requests with a larger id, the oldest first. */
  arrivals(afterId?: number): Promise<Arrival[]>
  totals(): Promise<{
    readonly requests: number
    readonly patients: number
    readonly byStatus: Readonly<Record<string, number>>
  }>
  patients(): Promise<Readonly<Record<string, unknown>>[]>
}

/** Starts the sandbox on a free port. */
export async function startSandbox(
  options: { readonly requestsPerMinute?: number; readonly recordPatients?: boolean } = {},
): Promise<SandboxProcess> {
  const { requestsPerMinute = 600, recordPatients = false } = options
  // The sandbox keeps every patient in memory.
  const env = { NODE_OPTIONS: '--max-old-space-size=4096' }
  const built = startBuilt(['sandbox', '--port', '0', ...(recordPatients ? ['--record-patients'] : [])], { env })
  try {
    const baseUrl = await built.line(after('MEDIQUO_BASE_URL='))
    const keys = {
      apiKey: await built.line(after('MEDIQUO_API_KEY=')),
      secretKey: await built.line(after('MEDIQUO_SECRET_KEY=')),
    }
    const admin = await built.line(after('admin: '))
    const ask = async (method: string, path: string, body?: object) => {
      const headers = { 'content-type': 'application/json' }
      const { ok } = await fetch(`${admin}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) })
      if (!ok) throw new Error(`the sandbox refuses ${method} ${path}`)
    }
    const change = (settings: object) => ask('PATCH', '/settings', settings)
    const get = async <T>(path: string) => (await (await fetch(`${admin}${path}`)).json()) as T
    const limit = (limit: number) => change({ rateLimit: { limit } })
    await change({ latencyMs: 0, applyDelayMs: 0, applyJitterMs: 0 })
    await limit(requestsPerMinute)
    return {
      baseUrl,
      keys,
      change,
      faults: (faults) => ask('POST', '/faults', faults),
      clearFaults: () => ask('DELETE', '/faults'),
      limit,
      arrivals: (afterId = 0) => get(`/requests?after=${afterId}`),
      totals: () => get('/state'),
      patients: () => get('/patients'),
      [Symbol.asyncDispose]: () => stop(built),
    }
  } catch (error) {
    await stop(built)
    throw error
  }
}

function after(prefix: string): (line: string) => string | null {
  return (line) => (line.startsWith(prefix) ? line.slice(prefix.length) : null)
}

async function stop(built: BuiltProcess): Promise<void> {
  await built.stop()
}
