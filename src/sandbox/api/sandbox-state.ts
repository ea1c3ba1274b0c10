import { seededRandom } from '../../model/seeded-random.ts'
import { FaultQueue } from './faults.ts'
import { HeldRequests } from './held-requests.ts'
import { PatientStore } from './patient/patient-store.ts'
import { RejectionRules } from './patient/rejection-rules.ts'
import { RateLimiter } from './rate-limit.ts'
import { RequestLog } from './request-log.ts'
import {
  keysSchema,
  type SandboxKeys,
  type SandboxSettings,
  type SandboxSettingsInput,
  settingsSchema,
} from './settings.ts'

/** What a sandbox starts from. */
export interface SandboxStateOptions {
  readonly settings?: SandboxSettingsInput
  readonly keys?: SandboxKeys
  /** Milliseconds since the epoch, never going back; the limiter's and the patients' time. */
  readonly nowMs?: () => number
  /** How many requests, and how many applications, are remembered. */
  readonly recordLength?: number
  /** Whether the record of a request holds its patients besides their codes. */
  readonly recordPatients?: boolean
  /** Of the jitter. */
  readonly seed?: number
}

/** The keys that are accepted when none are given. */
export const defaultKeys = { apiKey: 'sandbox-api-key', secretKey: 'sandbox-secret-key' } as const

/** Everything that one running sandbox remembers. */
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

  /** Changes some settings. A new rate limit starts to count afresh. @throws {z.ZodError} if one is wrong. */
  configure(changes: SandboxSettingsInput): void {
    const rateLimit = { ...this.#settings.rateLimit, ...changes.rateLimit }
    this.#settings = settingsSchema.parse({ ...this.#settings, ...changes, rateLimit })
    if (changes.rateLimit !== undefined) this.#limiter = new RateLimiter(this.#settings.rateLimit)
  }

  /** @throws {z.ZodError} if a key is empty. */
  setKeys(keys: SandboxKeys): void {
    this.#keys = keysSchema.parse(keys)
  }

  /** Drops all faults and releases the requests that they hold. */
  clearFaults(): void {
    this.faults.clear()
    this.held.release()
  }

  /** Back to an empty sandbox; settings and keys stay. */
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
