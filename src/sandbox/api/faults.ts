import { z } from 'zod'
import { attributes } from '../../model/patient/patient.ts'
import { seededRandom } from '../../model/seeded-random.ts'

/** Endpoints of the API; each has its own rate limit and its own faults. */
const endpoints = ['put', 'get'] as const
export type Endpoint = (typeof endpoints)[number]

const scope = {
  /** Absent: both endpoints. */
  endpoint: z.enum(endpoints).optional(),
  /** Number of requests that it hits. Default: 1. Null: until cleared, the default of a standing fault and of one with a probability. */
  times: z.int().min(1).nullable().optional(),
  /** Share of the requests that it hits, drawn from `seed`. */
  probability: z.number().min(0).max(1).optional(),
  seed: z.int().optional(),
}
const when = z.enum(['before applying', 'after applying']).default('before applying')
const status = z.int().min(200).max(599)
const milliseconds = z.number().min(0)

/** Fault as data. `hold` waits until it is released by its id, or for `ms`. */
export const faultSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('status'),
    status,
    headers: z.record(z.string(), z.string()).default({}),
    body: z.unknown().optional(),
    ...scope,
  }),
  z.strictObject({
    kind: z.literal('reject'),
    indexes: z.array(z.int().min(0)).min(1).default([0]),
    attribute: z.enum(attributes).default('gender'),
    ...scope,
  }),
  z.strictObject({
    kind: z.literal('fail after applying'),
    answer: z.union([z.literal('reset'), status]).default(500),
    body: z.unknown().optional(),
    ...scope,
  }),
  z.strictObject({ kind: z.literal('hold'), id: z.string(), ms: milliseconds.optional(), when, ...scope }),
  z.strictObject({ kind: z.literal('slow'), delayMs: milliseconds, when, ...scope }),
  z.strictObject({ kind: z.literal('reset'), ...scope }),
  z.strictObject({ kind: z.literal('429'), retryAfter: z.union([z.string(), z.number()]).optional(), ...scope }),
  z.strictObject({ kind: z.literal('down'), ...scope }),
  z.strictObject({ kind: z.literal('keys revoked'), ...scope }),
  /** Answers a page to each request whose body contains a text, as a firewall does. */
  z.strictObject({ kind: z.literal('firewall'), text: z.string().min(1), status: status.default(403), ...scope }),
])
export type Fault = z.output<typeof faultSchema>
export type FaultInput = z.input<typeof faultSchema>

/** Fault that waits for requests; `left` is null if it stays until cleared. */
export interface QueuedFault {
  readonly id: number
  readonly fault: Fault
  readonly left: number | null
}

interface Queued {
  readonly id: number
  readonly fault: Fault
  left: number | null
  readonly hits: () => boolean
}

/** Faults in the order in which they were added, standing ones first. A request takes the first one that fits it. */
export class FaultQueue {
  #queued: Queued[] = []
  #lastId = 0

  get list(): readonly QueuedFault[] {
    return this.#queued.map(({ id, fault, left }) => ({ id, fault, left }))
  }

  /** Adds a fault. @throws {z.ZodError} if it is invalid. */
  add(input: FaultInput): number {
    const fault = faultSchema.parse(input)
    const { times, probability = 1, seed = 1 } = fault
    const random = seededRandom(seed)
    const untilCleared = isStanding(fault) || fault.probability !== undefined
    this.#lastId += 1
    this.#queued.push({
      id: this.#lastId,
      fault,
      left: times === undefined ? (untilCleared ? null : 1) : times,
      hits: () => random() < probability,
    })
    this.#queued.sort((a, b) => Number(isStanding(b.fault)) - Number(isStanding(a.fault)))
    return this.#lastId
  }

  /** Returns the fault for this request, if any, and counts it as used once. */
  draw(endpoint: Endpoint): Fault | null {
    for (const queued of this.#queued) {
      if (queued.fault.endpoint !== undefined && queued.fault.endpoint !== endpoint) continue
      if (!queued.hits()) continue
      if (queued.left !== null) queued.left -= 1
      if (queued.left === 0) this.clear(queued.id)
      return queued.fault
    }
    return null
  }

  /** Clears one fault, or all of them. */
  clear(id?: number): void {
    this.#queued = id === undefined ? [] : this.#queued.filter((queued) => queued.id !== id)
  }
}

function isStanding(fault: Fault): boolean {
  return fault.kind === 'down' || fault.kind === 'keys revoked' || fault.kind === 'firewall'
}
