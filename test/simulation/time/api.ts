import { type Attempt, type Outcome, putOutcome } from '../../../src/mediquo/outcome.ts'
import type { Patient, PatientCode } from '../../../src/model/patient/patient.ts'
import type { Delivery } from '../../../src/pending/entry/version.ts'
import { validationErrorBody } from '../../../src/sandbox/api/patient/validation-errors.ts'
import { RateLimiter } from '../../../src/sandbox/api/rate-limit.ts'
import { requestTimeoutMs } from '../driver/core-options.ts'
import { checkRequest } from '../driver/request-checks.ts'
import { noteCovered } from '../world/checks.ts'
import { refusal } from '../world/contents.ts'
import { Mediquo } from '../world/mediquo.ts'
import type { Transaction } from '../world/source-table.ts'
import type { World } from '../world/world.ts'
import { anyOrderMs, type Fate, fates, type Outage, type Plan, unexpectedSuccesses } from './plan.ts'
import type { VirtualClock } from './virtual-clock.ts'

const windowMs = 60_000
/** Maximum time after which a request is processed that was received. After a minute the core believes that none is. */
const mostLateMs = 57_000

export interface Answer<T> {
  readonly outcome: T
  readonly remaining: number | null
}

/** Result of a GET of a code. */
export type Fetched = Patient | 'absent' | 'not now' | 'refused'

/** What the API does with a request: it counts it, and refuses it if there are too many; then it processes it. */
interface Receiver {
  count(): Attempt | null
  process(): Attempt
}

/** Single request. It may arrive after the client has given up, as late as its permit allows. */
interface Sent {
  readonly deliveries: readonly Delivery[]
  readonly numbers: readonly number[]
  readonly fate: Fate | null
}

/**
 * API with its own clock. It counts the requests that arrive, refuses or accepts them, and applies accepted patients at any later time.
 * Checks each request as it leaves and as it arrives.
 */
export class Api {
  /** Number of requests and applications that are still to happen. */
  underWay = 0
  isFaulty = true
  /** Patients by code as a GET reads them, and the number of accepted patients of each code that are still to be applied. */
  readonly #applied = new Map<PatientCode, Patient>()
  readonly #applying = new Map<PatientCode, number>()
  /** Time by which everything that was accepted of a code is applied. */
  readonly #appliedByMs = new Map<PatientCode, number>()
  readonly #unreadable: { readonly code: PatientCode; readonly answer: 'absent' | 'fails' } | null
  readonly #world: World
  readonly #clock: VirtualClock
  readonly #plan: Plan
  readonly #random: () => number
  readonly #limiter: RateLimiter
  readonly #arrivals: Record<'put' | 'get', number[]> = { put: [], get: [] }
  /** Versions that were sent, accepted or not, for the check of C2. */
  readonly #told: Mediquo
  readonly #broke = new Map<PatientCode, number>()
  #inFlight = new Set<Delivery>()
  #life = 0

  constructor(options: { world: World; clock: VirtualClock; plan: Plan; random: () => number }) {
    this.#world = options.world
    this.#clock = options.clock
    this.#plan = options.plan
    this.#random = options.random
    const { window: kind, requestsPerMinute: limit, crashes } = options.plan
    this.#limiter = new RateLimiter({ kind, limit, windowMs })
    const { world } = options
    const { start, sharesCodes } = world.profile
    const { unreadable } = options.plan
    const code = world.profile.codes[unreadable?.code ?? -1]
    this.#unreadable = unreadable && code !== undefined ? { code, answer: unreadable.answer } : null
    if (this.#unreadable?.answer === 'fails') world.unreadableCodes.add(this.#unreadable.code)
    if (this.#unreadable && options.plan.unexpected > 0) world.unprovableCodes.add(this.#unreadable.code)
    const isWhole = start !== 'slot lost' && !sharesCodes && !crashes.some(({ losesSlot }) => losesSlot)
    this.#told = new Mediquo({
      isWhole,
      wasLeft: (code, number) => world.wasLeft(code, number),
      removalOf: (key, code, number) => world.removalOf(key, code, number),
    })
    for (const [code, { firstName, isSubscribed }] of options.world.mediquo.records) {
      const known = { code, first_name: firstName, gender: 'female', birth_date: '1980-01-01' } as const
      this.#applied.set(code, isSubscribed ? { ...known, plan: 'premium' } : known)
    }
  }

  /** Forgets the process that died: no process waits for its answers. */
  forgetClient(): void {
    this.#life++
    this.#inFlight = new Set()
  }

  /**
   * @param about the transaction of which only a part has been received; null: the store is not what the sender knows, so that only the order of
   * the versions is checked.
   */
  put(
    deliveries: readonly Delivery[],
    about: { readonly open: Transaction | null } | null,
    answered: (answer: Answer<Outcome>) => void,
  ): void {
    const patients = deliveries.map(({ patient }) => patient)
    if (about) checkRequest(this.#world, deliveries, { inFlight: [...this.#inFlight], ...about })
    for (const delivery of deliveries) this.#inFlight.add(delivery)
    const fate = this.#draw(patients)
    const sent: Sent = { deliveries, numbers: deliveries.map((delivery) => this.#world.numberOf(delivery)), fate }
    this.#world.note(() => `${this.#at} PUT ${textOfSent(sent)}${fate ? `: ${fate}` : ''}`)
    for (const [at, delivery] of deliveries.entries())
      this.#world.fail(this.#told.accept({ ...delivery, number: sent.numbers[at] ?? 0 }))
    this.#exchange(fate, { count: () => this.#count('put'), process: () => this.#process(sent) }, (attempt) => {
      for (const delivery of deliveries) this.#inFlight.delete(delivery)
      const remaining = attempt.kind === 'answer' ? attempt.remaining : null
      answered({ outcome: putOutcome(attempt, this.#clock.wallClockMs), remaining })
    })
  }

  get(code: PatientCode, answered: (found: Fetched) => void): void {
    let found: Patient | undefined
    const process = (): Attempt => {
      const unreadable = this.#unreadable?.code === code ? this.#unreadable.answer : null
      if (unreadable === 'fails') return answer(500, { message: 'no' })
      const refused = /^status (40[134])$/.exec(this.#outage?.fate ?? '')?.[1]
      if (refused !== undefined) return answer(Number(refused), { message: 'no' })
      found = unreadable === 'absent' ? undefined : this.#applied.get(code)
      this.#world.note(() => `${this.#at} GET ${code}: ${found ? textOf(found) : 'not there'}`)
      return answer(200, { message: 'found' })
    }
    const fate = this.isFaulty && this.#random() < 0.05 ? 'reset before' : null
    this.#exchange(fate, { count: () => this.#count('get'), process }, (attempt) => {
      const { kind } = putOutcome(attempt, this.#clock.wallClockMs)
      if (kind === 'halt') answered('refused')
      else answered(kind === 'pause' || kind === 'retry' ? 'not now' : (found ?? 'absent'))
    })
  }

  get #at(): string {
    return `${(this.#clock.nowMs / 1_000).toFixed(3)}s`
  }

  /** Sends a request, receives it, and sends the answer; a fate omits some of these parts. */
  #exchange(fate: Fate | null, { count, process }: Receiver, answered: (attempt: Attempt) => void): void {
    const receive = () => count() ?? process()
    const life = this.#life
    const there = 1 + this.#random() * this.#plan.latencyMs
    const back = 1 + this.#random() * this.#plan.latencyMs
    const end = (ms: number, attempt: Attempt) =>
      this.#clock.after(ms, () => {
        if (life === this.#life) answered(attempt)
      })
    const arrive = (ms: number, then: (attempt: Attempt) => void) => {
      this.underWay++
      this.#clock.after(ms, () => {
        this.underWay--
        then(receive())
      })
    }
    switch (fate) {
      case 'connection refused':
        end(there, { kind: 'no answer', reason: 'connection', sent: false, code: 'ECONNREFUSED' })
        break
      case 'reset before':
        end(there, { kind: 'no answer', reason: 'connection', sent: true, code: 'ECONNRESET' })
        break
      case 'timeout':
        end(requestTimeoutMs, { kind: 'no answer', reason: 'timeout', sent: true, code: 'TIMEOUT' })
        break
      case 'timeout, applied late':
        arrive(requestTimeoutMs - 500 + this.#random() * 590, () => undefined)
        end(requestTimeoutMs, { kind: 'no answer', reason: 'timeout', sent: true, code: 'TIMEOUT' })
        break
      case 'received, processed late':
        // It counts when it is received, and may be processed after its sender died.
        this.underWay++
        this.#clock.after(there, () => {
          const ms = count() === null ? this.#random() * mostLateMs : null
          if (ms === null) this.underWay--
          else
            this.#clock.after(ms, () => {
              this.underWay--
              process()
            })
        })
        end(requestTimeoutMs, { kind: 'no answer', reason: 'timeout', sent: true, code: 'TIMEOUT' })
        break
      case 'reset after':
        arrive(there, () => end(back, { kind: 'no answer', reason: 'connection', sent: true, code: 'ECONNRESET' }))
        break
      default:
        arrive(there, (attempt) => end(back, attempt))
    }
  }

  #process({ deliveries, numbers, fate }: Sent): Attempt {
    const status = Number(/^status (\d+)/.exec(fate ?? '')?.[1] ?? 0)
    const isAfterApplying = fate?.endsWith('after applying') === true && status > 0
    if (status > 0 && !isAfterApplying) return answer(status, { message: 'no' }, status === 429 ? '1' : null)
    const bad = deliveries.flatMap(({ patient }, index) =>
      refusal(patient) === 'never'
        ? []
        : [
            {
              index,
              path: `patients.${index}.first_name`,
              message: `The patients.${index}.first_name field is wrong.`,
            },
          ],
    )
    const { refused } = this.#world
    for (const { index } of bad) {
      const key = deliveries[index]?.key
      if (key !== undefined) refused.set(key, Math.max(numbers[index] ?? 0, refused.get(key) ?? 0))
    }
    if (bad.length > 0) return answer(422, validationErrorBody(bad, this.#plan.hints))
    this.#world.note(
      () =>
        `${this.#at} accepted: ${deliveries.map(({ code, patient }) => `${code}=${patient.first_name}`).join(', ')}`,
    )
    noteCovered(this.#world)
    for (const [at, delivery] of deliveries.entries()) {
      this.#world.mediquo.accept({ ...delivery, number: numbers[at] ?? 0 })
      this.underWay++
      this.#applying.set(delivery.code, (this.#applying.get(delivery.code) ?? 0) + 1)
      this.#clock.after(this.#applyAfterMs(delivery.code), () => {
        this.underWay--
        this.#apply(delivery.patient)
      })
    }
    return status > 0 ? answer(status, { message: 'no' }) : answer(200, { message: 'Success' })
  }

  #applyAfterMs(code: PatientCode): number {
    const { nowMs } = this.#clock
    const atMs = nowMs + this.#random() * this.#plan.applyMs
    if (this.#plan.applyMs <= anyOrderMs) return atMs - nowMs
    const inOrderMs = Math.max(atMs, (this.#appliedByMs.get(code) ?? 0) + 1)
    this.#appliedByMs.set(code, inOrderMs)
    return inOrderMs - nowMs
  }

  /** Applies a patient. After the last application of a code, mediQuo has this patient, whatever it accepted last. */
  #apply(patient: Patient): void {
    const { code } = patient
    this.#world.note(() => `${this.#at} applied: ${textOf(patient)}`)
    this.#applied.set(code, patient)
    const left = (this.#applying.get(code) ?? 1) - 1
    this.#applying.set(code, left)
    if (left > 0) return
    noteCovered(this.#world)
    this.#world.mediquo.applied(patient)
  }

  /** Checks P4. A request that only a sliding counter refuses is within the limit of any 60 seconds. */
  #count(endpoint: 'put' | 'get'): Attempt | null {
    const { nowMs } = this.#clock
    const { requestsPerMinute: limit, window } = this.#plan
    const verdict = this.#limiter.take(endpoint, this.#clock.wallClockMs)
    const recent = this.#arrivals[endpoint].filter((at) => at > nowMs - windowMs)
    recent.push(nowMs)
    this.#arrivals[endpoint] = recent
    if (verdict.allowed && recent.length <= limit) return null
    if (window !== 'sliding counter' || recent.length > limit)
      this.#world.fail(`P4: ${recent.length} requests (${endpoint}) in 60 seconds, ${limit} are allowed`)
    return answer(429, { message: 'Too Many Attempts.' }, String(verdict.retryAfterS ?? 60))
  }

  get #outage(): Outage | undefined {
    const { nowMs } = this.#clock
    return this.#plan.outages.find(({ fromMs, toMs }) => nowMs >= fromMs && nowMs < toMs)
  }

  #draw(patients: readonly Patient[]): Fate | null {
    const { faults, unexpected } = this.#plan
    const outage = this.#outage
    if (outage) return this.#outliving(outage.fate)
    const kinds = unexpected > 0 && this.#random() * 100 < unexpected ? unexpectedSuccesses : fates
    if (kinds === fates && (!this.isFaulty || this.#random() * 100 >= faults)) return null
    const fate = kinds[Math.floor(this.#random() * kinds.length)] ?? null
    if (fate === 'status 413' && patients.length === 1) return null
    if (fate === 'timeout, applied late') return this.#outliving(fate)
    if (fate !== 'status 500' && fate !== 'status 503 after applying' && fate !== 'status 204') return fate
    // The core takes a row for a bad one if the API fails with 5xx for it, or does not show it, repeatedly while it accepts others. Chance must not do that.
    const times = Math.max(...patients.map(({ code }) => this.#broke.get(code) ?? 0))
    if (times > 1) return null
    for (const { code } of patients) this.#broke.set(code, times + 1)
    if (fate === 'status 204') for (const { code } of patients) this.#world.succeededCodes.add(code)
    return fate
  }

  /** Returns the fate of a request, which is sometimes processed after its process died. */
  #outliving(fate: Fate): Fate {
    const mayOutlive = fate === 'timeout, applied late' && this.#plan.crashes.length > 0
    return mayOutlive && this.#random() < 0.5 ? 'received, processed late' : fate
  }
}

function textOfSent({ deliveries, numbers }: Sent): string {
  return deliveries
    .map(
      ({ purpose, code, patient, key }, at) =>
        `${purpose} ${code}=${patient.first_name} (version ${numbers[at]} of ${key})`,
    )
    .join(', ')
}

function textOf({ code, first_name, plan }: Patient): string {
  return `${code}=${first_name}${plan === undefined ? ' without a plan' : ''}`
}

function answer(status: number, body: unknown, retryAfter: string | null = null): Attempt {
  const text = JSON.stringify(body)
  return { kind: 'answer', status, contentType: 'application/json', retryAfter, remaining: null, body: text }
}
