import type { RecentRequests } from '../checkpoint/rows.ts'
import type { Quota } from '../delivery/quota.ts'

type Quotas = Readonly<Record<'put' | 'get', Quota>>

/** The requests of the last minute, for the state. */
export function recentRequests(quotas: Quotas): RecentRequests {
  return (['put', 'get'] as const).flatMap((endpoint) =>
    quotas[endpoint].recent().map(([second, count]) => [second, endpoint, count] as const),
  )
}

/** Past this age nothing of an earlier run can count against the quota any more, milliseconds. */
const forgottenMs = 180_000

/** A restart begins with what the state last knew, and as many more requests as may have been in flight unrecorded. */
export function resumeQuotas(
  quotas: Quotas,
  earlier: { readonly recentRequests: RecentRequests; readonly run: number; readonly ageMs: number },
  maxInFlight: number,
): void {
  if (earlier.run <= 1 || earlier.ageMs > forgottenMs) return
  for (const endpoint of ['put', 'get'] as const) {
    const known = earlier.recentRequests.filter(([, name]) => name === endpoint)
    quotas[endpoint].resume(
      known.map(([second, , count]) => [second, count]),
      endpoint === 'put' ? maxInFlight : 1,
    )
  }
}
