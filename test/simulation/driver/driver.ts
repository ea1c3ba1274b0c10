import type { Core } from '../../../src/pipeline/core/core.ts'
import type { CoreEvent, Ticket } from '../../../src/pipeline/core/events.ts'
import type { View } from '../../../src/pipeline/core/view.ts'
import { type Profile, wideBytes } from '../world/profile.ts'
import type { World } from '../world/world.ts'
import { dispatch, type Handlers } from './handlers.ts'

export interface DriverOptions {
  readonly world: World
  readonly core: Core
  readonly handlers: Handlers
  readonly nowMs: () => number
  /** Returns true if the stream has a message to deliver, paused or not. */
  readonly isReadable: () => boolean
}

/** Hands events to the core and its effects to the handlers. After each turn, checks the conditions that hold at any time. */
export class Driver {
  readonly #options: DriverOptions
  readonly #outstanding = new Set<Ticket>()
  readonly #limits: { readonly entries: number; readonly bytes: number }
  #wakeAtMs: number | null = null
  #isPaused = false
  #isDraining = false
  #isTelling = false

  constructor(options: DriverOptions) {
    this.#options = options
    this.#limits = limitsOf(options.world.profile)
  }

  get outstanding(): number {
    return this.#outstanding.size
  }
  get wakeAtMs(): number | null {
    return this.#wakeAtMs
  }
  get isPaused(): boolean {
    return this.#isPaused
  }
  get isDraining(): boolean {
    return this.#isDraining
  }
  get view(): View {
    return this.#options.core.view(this.#options.nowMs())
  }

  /** Handlers of `pause stream`, `resume stream` and `wake at`, which set the driver's own state. */
  readonly own = {
    'pause stream': () => {
      this.#isPaused = true
    },
    'resume stream': () => {
      this.#isPaused = false
    },
    'wake at': ({ ms }: { readonly ms: number | null }) => {
      this.#wakeAtMs = ms
    },
  } satisfies Partial<Handlers>

  /** Handles the events of one turn, and hands out the effects that they enable. */
  tell(...events: readonly CoreEvent[]): void {
    const { core, world } = this.#options
    if (this.#isTelling) throw new Error('a handler answered before it returned')
    this.#isTelling = true
    try {
      for (const event of events) {
        this.#note(event)
        core.handle(event, this.#options.nowMs())
        core.assert()
      }
      this.#handOut()
      core.assert()
    } finally {
      this.#isTelling = false
    }
    if (world.wrong === null) this.#check()
  }

  #note(event: CoreEvent): void {
    if ('ticket' in event && !this.#outstanding.delete(event.ticket))
      throw new Error(`${event.kind} answers a ticket that is not outstanding`)
    if (event.kind === 'stream opened') this.#isPaused = false
    if (event.kind === 'drain') this.#isDraining = true
    if (event.kind === 'tick') this.#wakeAtMs = null
  }

  /** Checks LIVENESS: an enabled effect is handed out immediately, and only once. */
  #handOut(): void {
    const { core, handlers, world } = this.#options
    const nowMs = this.#options.nowMs()
    const effects = core.effects(nowMs)
    for (const effect of effects) {
      if ('ticket' in effect) {
        if (this.#outstanding.has(effect.ticket)) throw new Error(`the ticket of ${effect.kind} is outstanding`)
        this.#outstanding.add(effect.ticket)
      }
      if (effect.kind === 'record') world.noteWrite(this.view)
      dispatch(handlers, effect)
    }
    const more = core.effects(nowMs)
    if (more.length > 0)
      world.fail(`LIVENESS: asked again without an event, there is ${more.map(({ kind }) => kind).join(', ')}`)
  }

  #check(): void {
    const { world } = this.#options
    const { view } = this
    const { entries, bytes } = this.#limits
    if (view.entries > entries) world.fail(`MEMORY: ${view.entries} rows, ${entries} may be`)
    if (view.payloadBytes > bytes) world.fail(`MEMORY: ${view.payloadBytes} bytes, ${bytes} may be`)
    if (this.#isStalled(view)) world.fail(`LIVENESS: stalled, ${standing(view)}`)
  }

  /** Returns true if work is left, but no answer is outstanding, no wake-up time is set and nothing is received. */
  #isStalled(view: View): boolean {
    if (this.#isDraining || !view.isActive || view.isQuiet) return false
    const isReceiving = !this.#isPaused && this.#options.isReadable()
    return this.#outstanding.size === 0 && this.#wakeAtMs === null && !isReceiving
  }
}

/** Maximum number of messages that arrive in one piece: the stream pauses only after them. */
export const mostAtOnce = 3

/** Returns the memory limits: the bounds, plus the rows of one request, one read or one piece of the stream, and the largest row. */
function limitsOf({ bounds, batchSize, pageRows }: Profile) {
  const { rows, bytes, unloaded, unsubscriptions, readBacks, marks } = bounds
  const together = Math.max(batchSize, pageRows, mostAtOnce)
  return {
    entries: rows + unsubscriptions + readBacks + marks + unloaded + together,
    bytes: bytes + (together + 1) * wideBytes,
  }
}

export function standing(view: View): string {
  const { waiting, sendable, patientsInFlight, entries, unrecorded, isSendingHeld, isPaused, unsettled, outstanding } =
    view
  const { readBacks, unsubscriptions, trouble, isTransactionOpen } = view
  return JSON.stringify({
    ...{ waiting, sendable, patientsInFlight, entries, unrecorded, isSendingHeld, isPaused, isTransactionOpen },
    ...{ unsettled, readBacks, unsubscriptions, outstanding, trouble: trouble?.kind ?? null },
  })
}
