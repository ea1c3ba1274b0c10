/**
 * A request that was answered. Requests are numbered in the order in which they leave. `newest`: the one that had left last by the time of
 * the answer. Failures of requests that were in flight at the same time have one cause: they count once.
 */
export interface AnsweredRequest {
  readonly number: number
  readonly newest: number
}
