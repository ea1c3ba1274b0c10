import type { RecentRequests } from '../checkpoint/store/rows.ts'
import type { Permit, Quota } from '../delivery/quota/quota.ts'
import { wait } from '../lifecycle/wait.ts'
import type { Resources } from '../startup/resources.ts'

type Quotas = Readonly<Record<'put' | 'get', Quota>>

/** The requests of the last minute, for the store. */
export function recentRequests(quotas: Quotas): RecentRequests {
  return (['put', 'get'] as const).flatMap((endpoint) =>
    quotas[endpoint].recent().map(([second, count]) => [second, endpoint, count] as const),
  )
}

/** What the process's pipelines leave to each other. */
export interface WrittenRuns {
  /** The run of the state in which this process became the writer last; null: it has not been yet. */
  last: number | null
}

/** Past this age of the state no reading back of an earlier run counts any more, milliseconds. */
const forgottenMs = 180_000

/**
 * A process that becomes the writer begins with what the state last knew, and with as many more requests as may have left
 * unnoted: while nothing is settled those may be the newest, however old the state is. What it sent itself is not counted twice.
 */
export function resumeQuotas(
  quotas: Quotas,
  earlier: { readonly recentRequests: RecentRequests; readonly run: number; readonly ageMs: number },
  mostUnnoted: number,
): void {
  if (earlier.run <= 1) return
  for (const endpoint of ['put', 'get'] as const) {
    if (endpoint === 'get' && earlier.ageMs > forgottenMs) continue
    const own = new Map(quotas[endpoint].recent())
    const known = earlier.recentRequests.flatMap(([second, name, count]) => {
      const others = name === endpoint ? count - (own.get(second) ?? 0) : 0
      return others > 0 ? [[second, others] as const] : []
    })
    // What is read back is not noted before it leaves.
    if (endpoint === 'put') quotas.put.resume(known, mostUnnoted)
    else quotas.get.resume(known, 1, earlier.ageMs)
  }
}

/** A running connector cannot see another process's requests: this part of the budget is left to it. */
const leftToConnector = 0.1
const lookAgainMs = 200

/**
 * The GET budget of a process beside a running connector: what the state says that the connector used counts as used here, and
 * a tenth is left for what it does not say yet.
 */
export function createSharedBudget({ quotas, settings }: Pick<Resources, 'quotas' | 'settings'>) {
  const counted = new Map<number, number>()
  const { requestsPerMinute } = settings.mediquo
  const most = requestsPerMinute - Math.floor(requestsPerMinute * leftToConnector)
  return {
    /** Counts what was not counted before. */
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
