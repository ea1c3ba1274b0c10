/** Limits of the requests to the API. */
export interface ApiLimits {
  readonly requestsPerMinute: number
  /** Maximum number of patients of a request. */
  readonly batchSize: number
  /** Maximum number of concurrent requests. */
  readonly maxInFlight: number
  readonly requestTimeoutMs: number
}

/** Maximum number of concurrent requests of the core that read patients back. */
export const maxReadsInFlight = 8
