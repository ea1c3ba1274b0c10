import { seededRandom } from '../model/seeded-random.ts'
import { FaultQueue } from './api/faults.ts'
import { HeldRequests } from './api/held-requests.ts'
import { PatientStore } from './api/patient/patient-store.ts'
import { RejectionRules } from './api/patient/rejection-rules.ts'
import { RateLimiter } from './api/rate-limit.ts'
import { RequestLog } from './api/request-log.ts'
import {
  keysSchema,
  type SandboxKeys,
  type SandboxSettings,
  type SandboxSettingsInput,
  settingsSchema,
} from './api/settings.ts'

/** Initial state of a sandbox. */
export interface SandboxStateOptions {
  readonly settings?: SandboxSettingsInput
  readonly keys?: SandboxKeys
  /** Clock in milliseconds since the epoch that never goes back, for the limiter and the patients. */
  readonly nowMs?: () => number
  /** Number of requests, and of applications, that are kept. */
  readonly recordLength?: number
  /** True if the record of a request contains its patients in addition to their codes. */
  readonly recordPatients?: boolean
  /** Seed of the jitter. */
  readonly seed?: number
}

/** Keys that are accepted by default. */
export const defaultKeys = { apiKey: 'sandbox-api-key', secretKey: 'sandbox-secret-key' } as const

/** State of one running sandbox. */
export class SandboxState {
  readonly faults = new FaultQueue()
  readonly held = new HeldRequests()
  readonly rules = new RejectionRules()
  readonly log: RequestLog
  readonly store: PatientStore
  readonly recordPatients: boolean
  readonly nowMs: () => number
  #settings: SandboxSettings
  #keys: Required<SandboxKeys>
  #limiter: RateLimiter

  constructor(options: SandboxStateOptions) {
    const { recordLength = 20_000, seed = 1, nowMs = monotonicEpochMs } = options
    const random = seededRandom(seed)
    this.nowMs = nowMs
    this.recordPatients = options.recordPatients ?? false
    this.#settings = settingsSchema.parse(options.settings ?? {})
    this.#keys = keysSchema.parse(options.keys ?? defaultKeys)
    this.#limiter = new RateLimiter(this.#settings.rateLimit)
    this.log = new RequestLog(recordLength)
    this.store = new PatientStore({
      applyDelayMs: () => this.#settings.applyDelayMs + random() * this.#settings.applyJitterMs,
      nowMs,
      historyLength: recordLength,
    })
  }

  get settings(): SandboxSettings {
    return this.#settings
  }

  get keys(): Required<SandboxKeys> {
    return this.#keys
  }

  get limiter(): RateLimiter {
    return this.#limiter
  }

  /** Changes some settings. A new rate limit starts its count at zero. @throws {z.ZodError} if one is invalid. */
  configure(changes: SandboxSettingsInput): void {
    const rateLimit = { ...this.#settings.rateLimit, ...changes.rateLimit }
    this.#settings = settingsSchema.parse({ ...this.#settings, ...changes, rateLimit })
    if (changes.rateLimit !== undefined) this.#limiter = new RateLimiter(this.#settings.rateLimit)
  }

  /** Sets the accepted keys. @throws {z.ZodError} if a key is empty. */
  setKeys(keys: SandboxKeys): void {
    this.#keys = keysSchema.parse(keys)
  }

  /** Clears all faults and releases the requests that they hold. */
  clearFaults(): void {
    this.faults.clear()
    this.held.release()
  }

  /** Empties the sandbox; settings and keys stay. */
  reset(): void {
    this.clearFaults()
    this.rules.clear()
    this.store.clear()
    this.log.clear()
    this.#limiter = new RateLimiter(this.#settings.rateLimit)
  }
}

const startedAtMs = performance.timeOrigin

function monotonicEpochMs(): number {
  return startedAtMs + performance.now()
}
