/** Ways to count: windows that open at the first counted request (Laravel), aligned to the clock, or sliding. */
export const windowKinds = ['fixed', 'clock minute', 'sliding log', 'sliding counter'] as const
export type WindowKind = (typeof windowKinds)[number]

/** Limit of `limit` requests in a window of `windowMs`. */
export interface RateLimitRule {
  readonly kind: WindowKind
  readonly limit: number
  readonly windowMs: number
}

/** Decision on one request; `retryAfterS` is in whole seconds, rounded up, and null if it is allowed. */
export interface RateDecision {
  readonly allowed: boolean
  readonly limit: number
  readonly remaining: number
  readonly retryAfterS: number | null
}

/** Tolerance for the fractions in which a sliding counter weighs requests. */
const roundingError = 1e-6

/** Counts requests by bucket. Time is an argument, in milliseconds since the epoch; it never goes back. */
export class RateLimiter {
  readonly #rule: RateLimitRule
  readonly #windows = new Map<string, Window>()

  constructor(rule: RateLimitRule) {
    this.#rule = rule
  }

  /** Counts the request unless it is refused: a refusal does not use the limit. */
  take(bucket: string, nowMs: number): RateDecision {
    const window = this.#window(bucket)
    const refusal = this.#refusal(window, nowMs)
    if (refusal !== null) return refusal
    window.count(nowMs)
    return this.#allowed(window, nowMs)
  }

  /** Returns the decision without counting, for the headers of an uncounted answer. */
  peek(bucket: string, nowMs: number): RateDecision {
    const window = this.#window(bucket)
    return this.#refusal(window, nowMs) ?? this.#allowed(window, nowMs)
  }

  #refusal(window: Window, nowMs: number): RateDecision | null {
    const { limit } = this.#rule
    if (window.used(nowMs) + 1 <= limit + roundingError) return null
    const retryAfterS = Math.max(1, Math.ceil((window.freeAtMs(nowMs) - nowMs) / 1000))
    return { allowed: false, limit, remaining: 0, retryAfterS }
  }

  #allowed(window: Window, nowMs: number): RateDecision {
    const { limit } = this.#rule
    return {
      allowed: true,
      limit,
      remaining: Math.max(0, Math.floor(limit - window.used(nowMs) + roundingError)),
      retryAfterS: null,
    }
  }

  #window(bucket: string): Window {
    const known = this.#windows.get(bucket)
    if (known !== undefined) return known
    const made = makeWindow[this.#rule.kind](this.#rule)
    this.#windows.set(bucket, made)
    return made
  }
}

/** Count of one bucket: the requests that count now, and the time at which a full one accepts the next request. */
interface Window {
  used(nowMs: number): number
  freeAtMs(nowMs: number): number
  count(nowMs: number): void
}

const makeWindow: Record<WindowKind, (rule: RateLimitRule) => Window> = {
  fixed: (rule) => steppedWindow(rule, (nowMs) => nowMs),
  'clock minute': (rule) => steppedWindow(rule, (nowMs) => nowMs - (nowMs % rule.windowMs)),
  'sliding log': slidingLog,
  'sliding counter': slidingCounter,
}

function steppedWindow({ windowMs }: RateLimitRule, opensAtMs: (nowMs: number) => number): Window {
  let startMs = Number.NEGATIVE_INFINITY
  let counted = 0
  const open = (nowMs: number) => nowMs < startMs + windowMs
  return {
    used: (nowMs) => (open(nowMs) ? counted : 0),
    freeAtMs: () => startMs + windowMs,
    count(nowMs) {
      if (!open(nowMs)) {
        startMs = opensAtMs(nowMs)
        counted = 0
      }
      counted += 1
    },
  }
}

function slidingLog({ limit, windowMs }: RateLimitRule): Window {
  let arrivalsMs: number[] = []
  let head = 0
  return {
    used(nowMs) {
      while ((arrivalsMs[head] ?? Number.POSITIVE_INFINITY) <= nowMs - windowMs) head += 1
      if (head > 1024 && head * 2 > arrivalsMs.length) {
        arrivalsMs = arrivalsMs.slice(head)
        head = 0
      }
      return arrivalsMs.length - head
    },
    freeAtMs: (nowMs) => (arrivalsMs[arrivalsMs.length - limit] ?? nowMs) + windowMs,
    count: (nowMs) => arrivalsMs.push(nowMs),
  }
}

/** Weighs the previous window by the share of it that a sliding window still covers. */
function slidingCounter({ limit, windowMs }: RateLimitRule): Window {
  let startMs = 0
  let before = 0
  let current = 0
  const turn = (nowMs: number) => {
    const nowStartMs = nowMs - (nowMs % windowMs)
    if (nowStartMs === startMs) return
    before = nowStartMs === startMs + windowMs ? current : 0
    current = 0
    startMs = nowStartMs
  }
  return {
    used(nowMs) {
      turn(nowMs)
      return current + before * (1 - (nowMs - startMs) / windowMs)
    },
    freeAtMs(nowMs) {
      turn(nowMs)
      if (current < limit) return startMs + windowMs * (1 - (limit - 1 - current) / before)
      return startMs + windowMs * (2 - (limit - 1) / current)
    },
    count(nowMs) {
      turn(nowMs)
      current += 1
    },
  }
}
