import { noteCovered } from '../world/checks.ts'
import { refusal } from '../world/contents.ts'
import type { World } from '../world/world.ts'
import { describeFlight, type Flight } from './flight.ts'

/** Times after which a request arrives that its sender gave up, or did not survive. After a minute the core believes that none does. */
const latenessMs = [1, 900, 20_000, 59_000] as const

/** Requests without an answer that arrive later: they outlive their process. */
export class Strays {
  readonly #world: World
  #strays: { readonly flight: Flight; readonly atMs: number }[] = []

  constructor(world: World) {
    this.#world = world
  }

  get isEmpty(): boolean {
    return this.#strays.length === 0
  }

  add(flight: Flight, nowMs: number): void {
    this.#strays.push({ flight, atMs: nowMs + this.#world.choices.pick(latenessMs) })
  }

  /** Time at which the next one arrives; null if there is none. */
  get nextAtMs(): number | null {
    return this.isEmpty ? null : Math.min(...this.#strays.map(({ atMs }) => atMs))
  }

  /** Advances the time. */
  advance(nowMs: number): void {
    const due = this.#strays.filter(({ atMs }) => atMs <= nowMs)
    this.#strays = this.#strays.filter(({ atMs }) => atMs > nowMs)
    for (const { flight } of due) this.#arrive(flight)
  }

  /** Applies an older request after newer ones. Only reading back detects it. */
  #arrive(flight: Flight): void {
    const { batch, numbers } = flight
    if (batch.some(({ patient }) => refusal(patient) !== 'never')) return
    noteCovered(this.#world)
    const { mediquo } = this.#world
    for (const [at, { code, patient, key, purpose }] of batch.entries()) {
      const number = numbers[at] ?? 0
      const newest = mediquo.records.get(code)
      if (newest && newest.number >= number) mediquo.applied(patient)
      else mediquo.accept({ key, purpose, patient, number })
    }
    this.#world.note(() => `arrives late: ${describeFlight(flight)}`)
  }
}
