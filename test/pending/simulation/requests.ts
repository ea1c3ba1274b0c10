import type { Pending } from '../../../src/pending/pending.ts'
import type { Parcel } from '../../../src/pending/version.ts'
import { noteCovered } from './checks.ts'
import { refusal } from './contents.ts'
import type { World } from './world.ts'

/** A patient on its way. `leaving`: what is about to be sent is being stored. */
export interface Flight {
  readonly parcel: Parcel
  readonly number: number
  state: 'leaving' | 'sent' | 'accepted' | 'refused'
}

const deadLetter = { reason: 'refused by the API', attributes: [], status: 422 } as const

/** The requests of one run, as the dispatcher makes them, each patient's answer a step of its own. */
export class Requests {
  readonly flights: Flight[] = []
  readonly #world: World
  readonly #pending: Pending
  readonly #beforeSending: () => Promise<void>

  constructor(options: {
    readonly world: World
    readonly pending: Pending
    readonly beforeSending: () => Promise<void>
  }) {
    this.#world = options.world
    this.#pending = options.pending
    this.#beforeSending = options.beforeSending
  }

  in(...states: readonly Flight['state'][]): Flight[] {
    return this.flights.filter(({ state }) => states.includes(state))
  }

  send(limit: number): void {
    const batch = this.#pending.take(limit).map((parcel): Flight => {
      return { parcel, number: this.#world.numberOf(parcel), state: 'leaving' }
    })
    if (batch.length === 0) return
    for (const flight of batch) {
      const { key, code } = flight.parcel
      const isTwice = this.flights.some(({ parcel }) => parcel.key === key || parcel.code === code)
      if (isTwice) this.#world.fail(`C2: two requests for ${key} or ${code} at a time`)
      this.flights.push(flight)
      this.#world.note(() => `take ${describe(flight)}`)
    }
    this.#beforeSending().then(
      () => {
        for (const flight of batch) flight.state = 'sent'
        this.#world.note(() => `${batch.map(describe).join(', ')} leaves`)
      },
      () => {
        for (const flight of batch) this.#land(flight, () => this.#pending.returned(flight.parcel))
      },
    )
  }

  /** It arrives: the API accepts or refuses it. */
  arrive(flight: Flight): void {
    const { parcel, number } = flight
    const answer = refusal(parcel.patient)
    const isRefused = answer === 'always' || (answer === 'maybe' && this.#world.choices.percent(50))
    flight.state = isRefused ? 'refused' : 'accepted'
    this.#world.note(() => `the API ${isRefused ? 'refuses' : 'applies'} ${describe(flight)}`)
    noteCovered(this.#world)
    if (!isRefused) this.#world.fail(this.#world.mediquo.accept({ ...parcel, number }))
  }

  answer(flight: Flight): void {
    const { parcel, number, state } = flight
    this.#world.note(() => `answer for ${describe(flight)}: ${state}`)
    this.#land(flight, () => {
      if (state === 'accepted') return this.#pending.accepted(parcel)
      this.#world.isSetAside({ key: parcel.key, number })
      this.#pending.refused(parcel, deadLetter)
    })
  }

  loseAnswer(flight: Flight): void {
    this.#world.note(() => `no answer for ${describe(flight)}`)
    this.#land(flight, () => this.#pending.lost(flight.parcel))
  }

  /** A 429: certainly not applied. */
  giveBack(flight: Flight): void {
    this.#world.note(() => `429 for ${describe(flight)}`)
    this.#land(flight, () => this.#pending.returned(flight.parcel))
  }

  #land(flight: Flight, settle: () => void): void {
    this.flights.splice(this.flights.indexOf(flight), 1)
    settle()
  }
}

function describe({ parcel: { purpose, key, patient }, number }: Flight): string {
  return `${purpose} ${patient.code}=${patient.first_name} (version ${number} of ${key})`
}
