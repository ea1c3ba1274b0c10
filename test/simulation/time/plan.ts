import { seededRandom } from '../../../src/model/seeded-random.ts'
import { type ErrorHints, errorHints } from '../../../src/sandbox/api/patient/validation-errors.ts'
import { type WindowKind, windowKinds } from '../../../src/sandbox/api/rate-limit.ts'

/** Fates of a request in addition to an answer to its content. */
export const fates = [
  'connection refused',
  'reset before',
  'reset after',
  'timeout',
  'timeout, applied late',
  'status 500',
  'status 503 after applying',
  'status 408',
  'status 429',
  'status 413',
] as const
export type Fate =
  | (typeof fates)[number]
  | UnexpectedSuccess
  | 'received, processed late'
  | 'status 401'
  | 'status 403'
  | 'status 404'

/** Successes that are not documented. */
export const unexpectedSuccesses = ['status 204', 'status 202 after applying'] as const
type UnexpectedSuccess = (typeof unexpectedSuccesses)[number]

/** Period in which every request has the same fate. */
export interface Outage {
  readonly fromMs: number
  readonly toMs: number
  readonly fate: Fate
}

/** Everything that will happen to a connector. Smaller plans are found by leaving parts out. */
export interface Plan {
  readonly seed: number
  readonly keys: number
  readonly window: WindowKind
  readonly requestsPerMinute: number
  readonly batchSize: number
  readonly hints: ErrorHints
  /** Percentage of requests that have a fate of their own. */
  readonly faults: number
  /** Maximum time after which the API applies accepted patients, in any order if it is short, else one after another. */
  readonly applyMs: number
  readonly latencyMs: number
  /** Numbers from which the profile and the initial table are drawn. */
  readonly beginning: readonly [profile: number, setUp: number]
  readonly transactions: readonly { readonly atMs: number; readonly number: number }[]
  readonly crashes: readonly { readonly atMs: number; readonly downMs: number; readonly losesSlot: boolean }[]
  /** Times at which the link to the database goes half-open, until another instance starts, and until the first one ends. */
  readonly cuts: readonly { readonly atMs: number; readonly gapMs: number; readonly livesMs: number }[]
  readonly outages: readonly Outage[]
  /** Percentage of requests that are answered with a success that is not documented, applied or not. */
  readonly unexpected: number
  /** Answer to each GET of one code: its server cannot find it, or fails. Null: every code can be read. */
  readonly unreadable: { readonly code: number; readonly answer: 'absent' | 'fails' } | null
}

/** The API applies patients in the order of their acceptance if that takes longer than this. */
export const anyOrderMs = 5_000

export function drawPlan(seed: number): Plan {
  const random = seededRandom(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const pick = <T>(from: readonly T[]): T => {
    const picked = from[below(from.length)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }
  const number = () => Math.floor(random() * 2 ** 32)
  const lastsMs = pick([5_000, 30_000, 90_000])
  const times = (count: number) => Array.from({ length: count }, () => below(lastsMs)).sort((a, b) => a - b)
  const keys = pick([1, 2, 3, 6])
  const crashes = times(pick([0, 0, 0, 1, 2])).map((atMs) => {
    return { atMs, downMs: 1 + below(pick([20, 2_000, 40_000])), losesSlot: random() < 0.15 }
  })
  const plan: Plan = {
    seed,
    keys,
    window: pick(windowKinds),
    requestsPerMinute: pick([4, 12, 40, 600]),
    batchSize: pick([2, 3, 4]),
    hints: pick(errorHints),
    faults: pick([0, 0, 10, 30]),
    // A known gap: a patient that was accepted but not applied when the process dies is not read back.
    applyMs: crashes.length > 0 ? pick([0, 0, 20_000, 45_000]) : pick([0, 0, 300, 3_000, 20_000, 45_000]),
    // The store knows only the second of each request.
    latencyMs: crashes.length > 0 ? pick([5, 50]) : pick([5, 200, 1_500]),
    beginning: [number(), number()],
    transactions: times(pick([1, 2, 4, 8, 16])).map((atMs) => ({ atMs, number: number() })),
    crashes,
    cuts: [],
    outages: times(pick([0, 0, 0, 1, 2])).map((fromMs) => {
      const fate = pick([...fates, 'status 401', 'status 403', 'status 404'] as const)
      return {
        fromMs,
        toMs: fromMs + below(pick([500, 20_000])),
        fate: fate === 'status 413' ? 'status 503 after applying' : fate,
      }
    }),
    unexpected: pick([0, 0, 10, 50]),
    unreadable: random() < 0.2 ? { code: below(keys + 1), answer: pick(['absent', 'fails'] as const) } : null,
  }
  // A known gap: a success that is not documented may be proven by an older patient, if that is the same by chance and the API is slow.
  if (plan.applyMs > anyOrderMs) return { ...plan, unexpected: 0 }
  const cuts = times(pick([0, 0, 0, 0, 1])).map((atMs) => {
    return { atMs, gapMs: 1 + below(pick([50, 5_000, 50_000])), livesMs: 1 + below(pick([1_000, 100_000])) }
  })
  if (cuts.length === 0) return plan
  return { ...plan, cuts, applyMs: 0, latencyMs: Math.min(plan.latencyMs, 50) }
}
