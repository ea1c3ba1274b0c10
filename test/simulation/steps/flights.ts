import type { BatchOutcome } from '../../../src/delivery/outcome.ts'
import type { PatientCode } from '../../../src/model/patient/patient.ts'
import type { Delivery } from '../../../src/pending/entry/version.ts'
import { requestTimeoutMs } from '../driver/core-options.ts'
import type { EffectOf } from '../driver/handlers.ts'
import { checkRequest } from '../driver/request-checks.ts'
import { noteCovered } from '../world/checks.ts'
import { refusal } from '../world/contents.ts'
import type { Transaction } from '../world/source-table.ts'
import type { World } from '../world/world.ts'
import { describeFlight, type Flight } from './flight.ts'
import type { Strays } from './strays.ts'

/** Time within which an accepted patient is applied. */
const latenessMs = 900

/** API as the requests of one process see it. */
export class Flights {
  readonly #world: World
  #flights: Flight[] = []
  /** True once the process has ended. */
  #isLeft = false
  readonly #applyByMs = new Map<PatientCode, number>()
  readonly #timesBroken = new Map<PatientCode, number>()
  readonly #strays: Strays

  constructor(world: World, strays: Strays) {
    this.#world = world
    this.#strays = strays
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
    return this.#strays.isEmpty && this.#applyByMs.size === 0
  }

  /** @param about null: the store is not what the sender knows, so that nothing is checked. */
  leave({ ticket, batch }: EffectOf['send'], nowMs: number, about: { readonly open: Transaction | null } | null): void {
    const inFlight = this.#flights.flatMap((flight) => flight.batch)
    if (about) checkRequest(this.#world, batch, { inFlight, ...about })
    const numbers = batch.map((delivery) => this.#world.numberOf(delivery))
    const flight: Flight = { ticket, batch, numbers, untilMs: nowMs + requestTimeoutMs, outcome: null }
    this.#flights.push(flight)
    this.#world.note(() => `PUT ${describeFlight(flight)}`)
  }

  /** Lets a request arrive: the API accepts or refuses it as a whole. */
  arrive(flight: Flight, nowMs: number, isDown: boolean): void {
    flight.outcome = isDown
      ? { kind: 'retry', reason: 'status 503', inDoubt: true, status: 503 }
      : this.#receive(flight, nowMs)
    this.#world.note(() => `the API: ${flight.outcome?.kind} ${describeFlight(flight)}`)
  }

  #receive(flight: Flight, nowMs: number): BatchOutcome {
    const { batch, numbers } = flight
    const { choices, mediquo } = this.#world
    const { applyLater, unexpected } = this.#world.profile
    const isUnexpected = unexpected > 0 && choices.percent(unexpected)
    if (isUnexpected && choices.percent(50) && this.mayBreak(flight)) {
      for (const { code } of batch) this.#world.succeededCodes.add(code)
      return { kind: 'unexpected success', status: 204 }
    }
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
      // Nobody reads back what was accepted after its sender has ended.
      if (!this.#isLeft && choices.percent(applyLater)) {
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
    if (flight.outcome === null && this.#world.choices.percent(50)) this.#strays.add(flight, nowMs)
    this.#world.note(() => `no answer for ${describeFlight(flight)}`)
  }

  /** Returns the request to its sender: it was certainly not applied. */
  bounce(flight: Flight): void {
    this.#remove(flight)
    this.#world.note(() => `${describeFlight(flight)} comes back`)
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

  /** Advances the time. What is to be applied by then is applied. */
  advance(nowMs: number): void {
    for (const [code, byMs] of this.#applyByMs) if (byMs <= nowMs) this.#apply(code)
  }

  #apply(code: PatientCode): void {
    this.#applyByMs.delete(code)
    noteCovered(this.#world)
    this.#world.mediquo.apply(code)
    this.#world.note(() => `applied: what was accepted of ${code}`)
  }

  /** Ends the process. Each of its requests arrives now, until its timeout is over, or even later, or was never sent. */
  crash(nowMs: number): void {
    this.#isLeft = true
    const { choices } = this.#world
    const waiting: Flight[] = []
    for (const flight of this.underWay) {
      const fate = choices.pick(['arrives', 'arrives before its timeout', 'arrives late', 'was not sent'] as const)
      if (fate === 'arrives') this.arrive(flight, nowMs, false)
      if (fate === 'arrives before its timeout' && flight.untilMs > nowMs) waiting.push(flight)
      if (fate === 'arrives late') this.#strays.add(flight, nowMs)
    }
    this.#flights = []
    this.advance(Number.POSITIVE_INFINITY)
    this.#flights = waiting
  }

  /** Lets one request of an ended process arrive, or time pass without it. */
  arriveLate(flight: Flight, nowMs: number, isDown: boolean): void {
    this.#world.note(() => 'late, of a process that has ended:')
    this.arrive(flight, nowMs, isDown)
    this.#remove(flight)
  }
  /** Drops the requests of an ended process that have not arrived in time. */
  expire(nowMs: number): void {
    this.#flights = this.#flights.filter(({ untilMs }) => untilMs > nowMs)
  }
}
