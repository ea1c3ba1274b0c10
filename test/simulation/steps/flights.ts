import type { BatchOutcome } from '../../../src/delivery/outcome.ts'
import type { PatientCode } from '../../../src/model/patient/patient.ts'
import type { Delivery } from '../../../src/pending/entry/version.ts'
import type { Ticket } from '../../../src/pipeline/core/events.ts'
import type { EffectOf } from '../driver/handlers.ts'
import { checkRequest } from '../driver/request-checks.ts'
import { noteCovered } from '../world/checks.ts'
import { refusal } from '../world/contents.ts'
import type { Transaction } from '../world/source-table.ts'
import type { World } from '../world/world.ts'

/** Request in flight. `outcome` is the answer of the API; null: the request has not arrived. */
export interface Flight {
  readonly ticket: Ticket
  readonly batch: readonly Delivery[]
  readonly numbers: readonly number[]
  outcome: BatchOutcome | null
}

/** Request that its sender gave up and that arrives later. */
interface Stray {
  readonly flight: Flight
  readonly byMs: number
}

/** Time within which an accepted patient is applied and an abandoned request arrives. The core waits longer before it reads back. */
const latenessMs = 900

/** API as the requests of one process see it. */
export class Flights {
  readonly #world: World
  #flights: Flight[] = []
  #strays: Stray[] = []
  readonly #applyByMs = new Map<PatientCode, number>()
  readonly #timesBroken = new Map<PatientCode, number>()

  constructor(world: World) {
    this.#world = world
  }

  get all(): readonly Flight[] {
    return this.#flights
  }
  get underWay(): readonly Flight[] {
    return this.#flights.filter(({ outcome }) => outcome === null)
  }
  get answered(): readonly Flight[] {
    return this.#flights.filter(({ outcome }) => outcome !== null)
  }
  /** Returns true if no patient is still to be applied and no request is still to arrive. */
  get isSettled(): boolean {
    return this.#strays.length === 0 && this.#applyByMs.size === 0
  }

  leave({ ticket, batch }: EffectOf['send'], open: Transaction | null): void {
    const inFlight = this.#flights.flatMap((flight) => flight.batch)
    checkRequest(this.#world, batch, { inFlight, open })
    const numbers = batch.map((delivery) => this.#world.numberOf(delivery))
    const flight: Flight = { ticket, batch, numbers, outcome: null }
    this.#flights.push(flight)
    this.#world.note(() => `PUT ${describe(flight)}`)
  }

  /** Lets a request arrive: the API accepts or refuses it as a whole. */
  arrive(flight: Flight, nowMs: number, isDown: boolean): void {
    flight.outcome = isDown
      ? { kind: 'retry', reason: 'status 503', inDoubt: true, status: 503 }
      : this.#receive(flight, nowMs)
    this.#world.note(() => `the API: ${flight.outcome?.kind} ${describe(flight)}`)
  }

  #receive(flight: Flight, nowMs: number): BatchOutcome {
    const { batch, numbers } = flight
    const { choices, mediquo } = this.#world
    const { applyLater, unexpected } = this.#world.profile
    const isUnexpected = unexpected > 0 && choices.percent(unexpected)
    if (isUnexpected && choices.percent(50) && this.mayBreak(flight)) return { kind: 'unexpected success', status: 204 }
    const bad = batch.flatMap((delivery, index) => {
      const verdict = refusal(delivery.patient)
      const isBad = verdict === 'always' || (verdict === 'maybe' && choices.percent(50)) || this.#refusesEnd(delivery)
      return isBad ? [{ delivery, index }] : []
    })
    if (bad.length > 0) {
      for (const { delivery, index } of bad) this.#noteRefused(delivery, numbers[index] ?? 0)
      const named = choices.percent(30) ? [] : bad.map(({ index }) => ({ index, attribute: 'first_name' }))
      return { kind: 'isolate', status: 422, named: choices.percent(50) ? named : named.slice(0, 1) }
    }
    noteCovered(this.#world)
    for (const [at, delivery] of batch.entries()) {
      const { code } = delivery
      if (choices.percent(applyLater)) {
        mediquo.queue(code)
        this.#applyByMs.set(code, Math.min(nowMs + latenessMs, this.#applyByMs.get(code) ?? Number.POSITIVE_INFINITY))
      }
      this.#world.fail(mediquo.accept({ ...delivery, number: numbers[at] ?? 0 }))
    }
    return isUnexpected ? { kind: 'unexpected success', status: 202 } : { kind: 'accepted' }
  }

  /** In worlds with a row that is always refused, the API never unsubscribes the first code while its row has another one. */
  #refusesEnd({ purpose, code }: Delivery): boolean {
    const { letters, codes } = this.#world.profile
    return purpose === 'unsubscribe code' && code === codes[0] && letters.includes('Z')
  }

  #noteRefused({ key, code, purpose }: Delivery, number: number): void {
    const { refused, refusedCodes } = this.#world
    if (purpose === 'unsubscribe code') {
      refusedCodes.add(code)
      return
    }
    refused.set(key, Math.max(number, refused.get(key) ?? 0))
  }

  /** Delivers the answer. @returns the outcome. */
  land(flight: Flight): BatchOutcome {
    if (!flight.outcome) throw new Error('a request that has not arrived is not answered')
    this.#remove(flight)
    return flight.outcome
  }

  /** Loses the answer. A request that has not arrived may arrive later. */
  lose(flight: Flight, nowMs: number): void {
    this.#remove(flight)
    if (flight.outcome === null && this.#world.choices.percent(50))
      this.#strays.push({ flight, byMs: nowMs + latenessMs })
    this.#world.note(() => `no answer for ${describe(flight)}`)
  }

  /** Returns the request to its sender: it was certainly not applied. */
  bounce(flight: Flight): void {
    this.#remove(flight)
    this.#world.note(() => `${describe(flight)} comes back`)
  }

  /** Returns true if the API may fail for this request: no code fails twice. The core would take such a row for a bad one. */
  mayBreak({ batch }: Flight): boolean {
    const isOnce = batch.every(({ code }) => (this.#timesBroken.get(code) ?? 0) < 1)
    if (isOnce) for (const { code } of batch) this.#timesBroken.set(code, 1)
    return isOnce
  }

  #remove(flight: Flight): void {
    this.#flights = this.#flights.filter((other) => other !== flight)
  }

  /** Advances the time. What is due by then happens first. */
  advance(nowMs: number): void {
    const due = this.#strays.filter(({ byMs }) => byMs <= nowMs)
    this.#strays = this.#strays.filter(({ byMs }) => byMs > nowMs)
    for (const { flight } of due) this.#stray(flight)
    for (const [code, byMs] of this.#applyByMs) if (byMs <= nowMs) this.#apply(code)
  }

  /** Applies an older request after newer ones. Only reading back detects it. */
  #stray({ batch, numbers }: Flight): void {
    if (batch.some(({ patient }) => refusal(patient) !== 'never')) return
    noteCovered(this.#world)
    const { mediquo } = this.#world
    for (const [at, { code, patient, key, purpose }] of batch.entries()) {
      const number = numbers[at] ?? 0
      const newest = mediquo.records.get(code)
      if (newest && newest.number >= number) mediquo.applied(patient)
      else mediquo.accept({ key, purpose, patient, number })
      this.#world.note(() => `applied late: ${purpose} ${code}=${patient.first_name} (version ${number} of ${key})`)
    }
  }

  #apply(code: PatientCode): void {
    this.#applyByMs.delete(code)
    noteCovered(this.#world)
    this.#world.mediquo.apply(code)
    this.#world.note(() => `applied: what was accepted of ${code}`)
  }

  /** Ends the process. Each of its requests arrives or was never sent. */
  crash(): void {
    for (const flight of this.underWay) if (this.#world.choices.percent(50)) this.arrive(flight, 0, false)
    this.#flights = []
    this.advance(Number.POSITIVE_INFINITY)
  }
}

function describe({ batch, numbers }: Flight): string {
  return batch
    .map(
      ({ purpose, key, code, patient }, at) =>
        `${purpose} ${code}=${patient.first_name} (version ${numbers[at]} of ${key})`,
    )
    .join(', ')
}
