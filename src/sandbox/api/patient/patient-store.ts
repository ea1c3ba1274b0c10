import { optionalAttributes } from '../../../model/patient/patient.ts'
import { BoundedLog } from '../bounded-log.ts'
import type { SentPatient, SentValues } from './validation.ts'

/** Optional attributes that every answer has. The others were added later: an answer has them once they have been sent. */
const firstEdition = ['last_name', 'gender', 'birth_date', 'email'] as const
const laterAttributes = optionalAttributes.filter((attribute) => !firstEdition.some((first) => first === attribute))

/** Patient as `GET /v1/patients/{code}` returns it. */
export interface StoredPatient extends Omit<SentValues, (typeof firstEdition)[number]> {
  readonly code: string
  readonly first_name: string
  readonly last_name: string | null
  readonly gender: string | null
  readonly birth_date: string | null
  readonly email: string | null
  readonly plan: string | null
  readonly created_at: string
  readonly updated_at: string
  readonly unsubscribed_at: string | null
}

/** Application of one request's patients, as a whole; `order` counts from 1. */
export interface Application {
  readonly order: number
  readonly requestId: number
  readonly appliedAtMs: number
  readonly codes: readonly string[]
}

/** Sources of the delay and of the time (milliseconds; `nowMs` since the epoch). */
export interface PatientStoreOptions {
  readonly applyDelayMs: () => number
  readonly nowMs: () => number
  readonly historyLength: number
}

/** Stored patients. An accepted request is applied as a whole, after a delay: a 200 means queued. */
export class PatientStore {
  readonly #options: PatientStoreOptions
  readonly #patients = new Map<string, StoredPatient>()
  readonly #history: BoundedLog<Application>
  readonly #queued = new Set<NodeJS.Timeout>()
  #waiters: (() => void)[] = []
  #order = 0

  constructor(options: PatientStoreOptions) {
    this.#options = options
    this.#history = new BoundedLog(options.historyLength)
  }

  get patients(): ReadonlyMap<string, StoredPatient> {
    return this.#patients
  }

  get history(): readonly Application[] {
    return this.#history.entries
  }

  get queuedRequests(): number {
    return this.#queued.size
  }

  /** Queues a valid request. Two requests can be applied in either order if the delay varies. */
  accept(requestId: number, patients: readonly SentPatient[]): void {
    const delayMs = this.#options.applyDelayMs()
    if (delayMs <= 0) {
      this.#apply(requestId, patients)
      return
    }
    const timer = setTimeout(() => {
      this.#queued.delete(timer)
      this.#apply(requestId, patients)
      this.#wake()
    }, delayMs)
    this.#queued.add(timer)
  }

  /** Resolves once nothing waits to be applied. */
  async applied(): Promise<void> {
    if (this.#queued.size > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }

  /** Clears the patients, the history and the queue. */
  clear(): void {
    for (const timer of this.#queued) clearTimeout(timer)
    this.#queued.clear()
    this.#patients.clear()
    this.#history.clear()
    this.#wake()
  }

  #apply(requestId: number, patients: readonly SentPatient[]): void {
    const appliedAtMs = this.#options.nowMs()
    const date = apiDate(appliedAtMs)
    for (const patient of patients) {
      this.#patients.set(patient.code, applyPatient(this.#patients.get(patient.code), patient, date))
    }
    this.#order += 1
    const codes = patients.map((patient) => patient.code)
    this.#history.push({ order: this.#order, requestId, appliedAtMs, codes })
  }

  #wake(): void {
    if (this.#queued.size > 0) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}

/** Creates or updates a patient: an absent attribute keeps its value, but an absent `plan` unsubscribes. */
export function applyPatient(old: StoredPatient | undefined, sent: SentPatient, date: string): StoredPatient {
  const later = laterAttributes.flatMap((attribute) => {
    const isKnown = sent[attribute] !== undefined || old?.[attribute] !== undefined
    return isKnown ? [[attribute, keep<string | object | null>(sent[attribute], old?.[attribute])]] : []
  })
  return {
    code: sent.code,
    first_name: sent.first_name,
    last_name: keep(sent.last_name, old?.last_name),
    gender: keep(sent.gender, old?.gender),
    birth_date: keep(sent.birth_date, old?.birth_date),
    email: keep(sent.email, old?.email),
    plan: sent.plan,
    created_at: old?.created_at ?? date,
    updated_at: date,
    unsubscribed_at: sent.plan === null ? (old?.unsubscribed_at ?? date) : null,
    ...Object.fromEntries(later),
  }
}

function keep<Value>(sent: Value | undefined, old: Value | undefined): Value | null {
  if (sent !== undefined) return sent
  return old === undefined ? null : old
}

/** Returns a date in the documented form of a response, in UTC: `2000-01-01 10:00:00+0000`. */
export function apiDate(epochMs: number): string {
  return new Date(epochMs)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, '+0000')
}
