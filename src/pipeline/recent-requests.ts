import type { RecentRequests } from '../checkpoint/store/rows.ts'
import type { Permit, Quota } from '../delivery/quota/quota.ts'
import { wait } from '../lifecycle/wait.ts'
import type { ApiLimits } from '../model/api-limits.ts'

type Quotas = Readonly<Record<'put' | 'get', Quota>>

/** Returns the requests of the last minute, for the store. */
export function recentRequests(quotas: Quotas): RecentRequests {
  return (['put', 'get'] as const).flatMap((endpoint) =>
    quotas[endpoint].recent().map(([second, count]) => [second, endpoint, count] as const),
  )
}

/** State that the pipelines of one process share. */
export interface WrittenRuns {
  /** `epoch` under which this process last became the writer; null if it never has. */
  last: number | null
  /** Rule 15: time until which requests of an earlier pipeline of this process may be applied, by the monotonic clock. */
  outUntilMs: number
}

/** Age of the checkpoint past which requests of an earlier run to read patients back no longer count, milliseconds. */
const forgottenMs = 180_000

/**
 * Counts the requests that other processes sent before this one became the writer: those that the store knows, and as many more as
 * may have been sent without a note. While nothing is settled the latter may be the newest, however old the checkpoint is. This
 * process's own requests are not counted twice.
 */
export function resumeQuotas(
  quotas: Quotas,
  earlier: { readonly recentRequests: RecentRequests; readonly epoch: number; readonly ageMs: number },
  maxUnnoted: number,
): void {
  if (earlier.epoch <= 1) return
  for (const endpoint of ['put', 'get'] as const) {
    if (endpoint === 'get' && earlier.ageMs > forgottenMs) continue
    const own = new Map(quotas[endpoint].recent())
    const known = earlier.recentRequests.flatMap(([second, name, count]) => {
      const others = name === endpoint ? count - (own.get(second) ?? 0) : 0
      return others > 0 ? [[second, others] as const] : []
    })
    // Reading back is not noted before it is sent.
    if (endpoint === 'put') quotas.put.resume(known, maxUnnoted)
    else quotas.get.resume(known, 1, earlier.ageMs)
  }
}

/** Part of the budget that is left to a running connector: this process cannot see its requests. */
const leftToConnector = 0.1
const lookAgainMs = 200

/**
 * Returns the GET budget of a process that runs beside a connector. Requests that the store attributes to the connector count as
 * used, and a tenth is left for those that the store does not know yet.
 */
export function createSharedBudget(
  quotas: Pick<Quotas, 'get'>,
  { requestsPerMinute }: Pick<ApiLimits, 'requestsPerMinute'>,
) {
  const counted = new Map<number, number>()
  const most = requestsPerMinute - Math.floor(requestsPerMinute * leftToConnector)
  return {
    /** Counts the requests that are not counted yet. */
    count(recent: RecentRequests): void {
      const news = recent.flatMap(([second, endpoint, count]) => {
        const fresh = endpoint === 'get' ? count - (counted.get(second) ?? 0) : 0
        if (fresh <= 0) return []
        counted.set(second, count)
        return [[second, fresh] as const]
      })
      if (news.length > 0) quotas.get.resume(news, 0)
    },
    async next(signal: AbortSignal): Promise<Permit | null> {
      while (quotas.get.lastMinute >= most && !signal.aborted) await wait(lookAgainMs, signal)
      return await quotas.get.next(signal)
    },
  }
}
