import { BoundedLog } from '../bounded-log.ts'
import type { SentPatient, Writable } from './validation.ts'

/** Patient as `GET /v1/patients/{code}` returns it. Attributes that the API added later are present once they have been sent. */
export interface StoredPatient {
  readonly code: string
  readonly first_name: string
  readonly last_name: string | null
  readonly gender: string | null
  readonly birth_date: string | null
  readonly email: string | null
  readonly plan: string | null
  readonly tax_id?: string | null
  readonly phone?: string | null
  readonly locale?: string | null
  readonly meta?: object | null
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
  const patient: Writable<StoredPatient> = {
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
  }
  if (sent.tax_id !== undefined || old?.tax_id !== undefined) patient.tax_id = keep(sent.tax_id, old?.tax_id)
  if (sent.phone !== undefined || old?.phone !== undefined) patient.phone = keep(sent.phone, old?.phone)
  if (sent.locale !== undefined || old?.locale !== undefined) patient.locale = keep(sent.locale, old?.locale)
  if (sent.meta !== undefined || old?.meta !== undefined) patient.meta = keep(sent.meta, old?.meta)
  return patient
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
