import { BoundedLog } from './bounded-log.ts'
import type { Endpoint } from './faults.ts'

/** Record of one request. Times are milliseconds on a monotonic clock, except `epochMs`. */
export interface RecordedRequest {
  readonly id: number
  readonly arrivedAtMs: number
  readonly epochMs: number
  readonly client: string
  readonly method: string
  readonly path: string
  readonly endpoint: Endpoint | null
  bytes: number
  codes: readonly string[]
  /** Patients as sent; only with `recordPatients`. */
  patients?: readonly unknown[]
  fault: string | null
  /** True if its patients were queued to be applied. */
  accepted: boolean
  /** Null while unanswered, and for a connection that was cut. */
  status: number | null
  answeredAtMs: number | null
}

/** Facts of a request that are known when it arrives. */
export type Arrival = Pick<RecordedRequest, 'epochMs' | 'client' | 'method' | 'path' | 'endpoint'>

/** Counts every request and keeps the newest in full. */
export class RequestLog {
  readonly #log: BoundedLog<RecordedRequest>
  readonly #byStatus = new Map<string, number>()

  constructor(capacity: number) {
    this.#log = new BoundedLog(capacity)
  }

  get entries(): readonly RecordedRequest[] {
    return this.#log.entries
  }

  get total(): number {
    return this.#log.total
  }

  /** Number of requests by status; a connection that was cut counts as `none`. */
  get byStatus(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#byStatus)
  }

  arrive(arrival: Arrival): RecordedRequest {
    const request: RecordedRequest = {
      ...arrival,
      id: this.#log.total + 1,
      arrivedAtMs: performance.now(),
      bytes: 0,
      codes: [],
      fault: null,
      accepted: false,
      status: null,
      answeredAtMs: null,
    }
    this.#log.push(request)
    return request
  }

  answer(request: RecordedRequest, status: number | null): void {
    request.status = status
    request.answeredAtMs = performance.now()
    const key = status === null ? 'none' : String(status)
    this.#byStatus.set(key, (this.#byStatus.get(key) ?? 0) + 1)
  }

  clear(): void {
    this.#log.clear()
    this.#byStatus.clear()
  }
}
