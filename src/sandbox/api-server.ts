import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { adminEndpoints, adminPath } from './api/admin.ts'
import { apiEndpoints } from './api/endpoints.ts'
import type { FaultInput, QueuedFault } from './api/faults.ts'
import type { Application, StoredPatient } from './api/patient/patient-store.ts'
import type { RejectionRuleInput } from './api/patient/rejection-rules.ts'
import type { RecordedRequest } from './api/request-log.ts'
import type { SandboxKeys, SandboxSettingsInput } from './api/settings.ts'
import { SandboxState, type SandboxStateOptions } from './sandbox-state.ts'

/** Address of the sandbox, and its connections. */
export interface SandboxAddress {
  /** `127.0.0.1` by default. */
  readonly host?: string
  /** Port; 0, the default, takes any free one. */
  readonly port?: number
  /** Time for which an idle connection is kept; Node's default is 5 s. */
  readonly keepAliveTimeoutMs?: number
}

/** Running sandbox of the mediQuo API. */
export interface SandboxApi {
  /** URL with `/v1`, for `mediquo.baseUrl`. */
  readonly baseUrl: string
  readonly adminUrl: string
  readonly port: number
  patients(): ReadonlyMap<string, StoredPatient>
  /** Newest requests, the oldest first. */
  readonly requests: readonly RecordedRequest[]
  /** Applied requests, in the order of application. */
  readonly history: readonly Application[]
  readonly faults: {
    add(fault: FaultInput): number
    /** Clears a fault by its id. Without an id it clears all of them and releases every held request. */
    clear(id?: number): void
    list(): readonly QueuedFault[]
    /** Releases held requests by the name of their fault. @returns their number. */
    release(holdId: string): number
    /** Resolves once a request waits under this name. */
    whenHeld(holdId: string): Promise<void>
  }
  reject(rule: RejectionRuleInput): void
  clearRejections(): void
  configure(changes: SandboxSettingsInput): void
  setKeys(keys: SandboxKeys): void
  /** Resolves once every accepted patient is readable. */
  applied(): Promise<void>
  reset(): void
  close(): Promise<void>
}

/** Starts the sandbox. @throws if the port is taken. */
export async function startSandboxApi(
  initially: SandboxStateOptions = {},
  address: SandboxAddress = {},
): Promise<SandboxApi> {
  const { host = '127.0.0.1', port = 0, keepAliveTimeoutMs } = address
  const state = new SandboxState(initially)
  const app = apiEndpoints(state)
  app.route(adminPath, adminEndpoints(state))

  const serverOptions = keepAliveTimeoutMs === undefined ? {} : { keepAliveTimeout: keepAliveTimeoutMs }
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false, serverOptions })
  const bound = await listen(server, port, host)
  const origin = `http://${host.includes(':') ? `[${host}]` : host}:${bound.port}`

  return {
    baseUrl: `${origin}/v1`,
    adminUrl: `${origin}${adminPath}`,
    port: bound.port,
    patients: () => state.store.patients,
    get requests() {
      return state.log.entries
    },
    get history() {
      return state.store.history
    },
    faults: {
      add: (fault) => state.faults.add(fault),
      clear: (id) => (id === undefined ? state.clearFaults() : state.faults.clear(id)),
      list: () => state.faults.list,
      release: (holdId) => state.held.release(holdId),
      whenHeld: (holdId) => state.held.whenHeld(holdId),
    },
    reject: (rule) => state.rules.add(rule),
    clearRejections: () => state.rules.clear(),
    configure: (changes) => state.configure(changes),
    setKeys: (keys) => state.setKeys(keys),
    applied: () => state.store.applied(),
    reset: () => state.reset(),
    async close() {
      state.reset()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      })
    },
  }
}

type ApiServer = ReturnType<typeof createAdaptorServer>

function listen(server: ApiServer, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const address = server.address()
      if (address !== null && typeof address === 'object') resolve(address)
      else reject(new Error('the sandbox listens on something that has no port'))
    })
  })
}
