import type { BatchOutcome } from '../../../../src/delivery/outcome.ts'
import type { Delivery } from '../../../../src/pending/entry/version.ts'
import { Control } from '../../../../src/pipeline/core/delivery/control.ts'
import { Proving } from '../../../../src/pipeline/core/delivery/proving.ts'
import { Sending } from '../../../../src/pipeline/core/delivery/sending.ts'
import type { Effect } from '../../../../src/pipeline/core/effects.ts'
import type { Fact, Ticket } from '../../../../src/pipeline/core/events.ts'
import { Facts } from '../../../../src/pipeline/core/facts.ts'
import { Tickets } from '../../../../src/pipeline/core/tickets.ts'
import { code, key } from '../../../pending/rows.ts'

interface SceneOptions {
  readonly batchSize?: number
  readonly maxInFlight?: number
}

type Send = Extract<Effect, { kind: 'send' }>

/**
 * Runs the sending part with a list of these codes as pending set, a quota that grants everything, and an API that the test answers. A
 * request is named by its codes. Time passes only when the test lets it.
 */
export function sendingScene(codes: readonly string[], { batchSize = 4, maxInFlight = 8 }: SceneOptions = {}) {
  const waiting = codes.map(deliveryOf)
  const log = {
    accepted: [] as string[],
    refused: [] as string[],
    returned: [] as string[],
    lost: [] as string[],
    doubted: [] as string[],
  }
  const deadLetters: unknown[] = []
  const requests: string[] = []
  const facts = new Facts()
  const told: Fact[] = []
  const tickets = new Tickets()
  const out = new Map<string, Send>()
  const wanted: Ticket[] = []
  const permits = { granted: 0, used: 0, returned: 0 }
  const set = {
    nowMs: 1_000_000,
    /** Number of newer versions of rows in flight: they wait and cannot be taken. */
    untakeable: 0,
    isSendingHeld: false,
    /** Grants permits as soon as they are requested, if true. */
    grants: true,
    /** Write that must be stored before a batch leaves; null: none. */
    write: null as number | null,
    stored: 0,
    /** Rule 15: the lease lasts long enough for a request; else this write begins it again. */
    mayLeave: true,
    nextWrite: 1,
    /** Time until which the API may not have applied what it accepted of a code. */
    recentUntilMs: Number.NEGATIVE_INFINITY,
    /** Number of requests that were over without an answer. */
    lost: 0,
    maxOut: 0,
  }
  let changes = 0

  function back(list: string[], delivery: Delivery): void {
    list.push(delivery.code)
    waiting.push(delivery)
    changes++
  }
  const proving = new Proving({ recentUntilMs: () => set.recentUntilMs })
  const control = new Control<readonly Delivery[]>()
  const sending = new Sending({
    pending: {
      take: (limit) => waiting.splice(0, limit),
      succeeded: () => undefined,
      accepted: ({ code: of }) => void log.accepted.push(of),
      refused: ({ code: of }, { reason, status }) => {
        log.refused.push(of)
        deadLetters.push([of, reason, status])
      },
      returned: (delivery) => back(log.returned, delivery),
      lost: (delivery) => back(log.lost, delivery),
      doubted: ({ code: of }) => void log.doubted.push(of),
      sendable: { live: 0, backfill: 0 },
      get changes() {
        return changes
      },
      get isSendingHeld() {
        return set.isSendingHeld
      },
    },
    asking: { proving, control },
    gathering: { sendable: () => waiting.length + set.untakeable },
    recording: {
      writeBeforeSending: () => (set.mayLeave ? set.write : set.nextWrite),
      isStored: (write) => write <= set.stored,
      mayLeave: () => set.mayLeave,
      requestLeft: () => undefined,
      requestOver: (_, isLost) => {
        if (isLost) set.lost++
      },
    },
    context: { tickets, facts, random: () => 0 },
    limits: { batchSize, maxInFlight, requestsPerMinute: 600 },
  })

  function execute(effect: Effect): void {
    switch (effect.kind) {
      case 'want permit':
        wanted.push(effect.ticket)
        return
      case 'return permit':
        permits.returned++
        return
      case 'send': {
        const request = effect.batch.map(({ code: of }) => of).join('')
        permits.used++
        requests.push(request)
        out.set(request, effect)
        set.maxOut = Math.max(set.maxOut, out.size)
        return
      }
      default:
        throw new Error(`sending does not want ${effect.kind}`)
    }
  }

  function effects(): number {
    const found: Effect[] = []
    sending.effects(set.nowMs, found)
    for (const effect of found) execute(effect)
    told.push(...facts.drain())
    return found.length
  }

  function grant(): void {
    const ticket = wanted.shift()
    if (ticket === undefined) throw new Error('no permit is wanted')
    tickets.redeem(ticket)
    permits.granted++
    sending.granted(ticket)
  }

  /** Executes enabled effects until there are none, permits included. */
  function run(): void {
    for (;;) {
      const count = effects()
      if (set.grants && wanted.length > 0) grant()
      else if (count === 0) return
    }
  }

  const scene = {
    sending,
    set,
    log,
    permits,
    requests,
    deadLetters,
    told,
    run,
    grant,
    /** Returns the requests in flight once nothing moves. */
    out(): readonly string[] {
      run()
      return [...out.keys()]
    },
    /** Returns true if the API is asked whether it accepts the keys, and answers that, or nothing. */
    askedWhy(keysAreAccepted: boolean | 'no answer'): boolean {
      run()
      const fetch = control.nextFetch()
      const refused = { kind: 'not now', isRefused: keysAreAccepted === false } as const
      fetch?.fetched(keysAreAccepted === true ? { kind: 'absent' } : refused, set.nowMs)
      run()
      return fetch !== null
    },
    answer(request: string, outcome: BatchOutcome, afterMs = 0): void {
      run()
      const sent = out.get(request)
      if (!sent) throw new Error(`${request} is not out: ${[...out.keys()].join(' ')}`)
      out.delete(request)
      set.nowMs += afterMs
      tickets.redeem(sent.ticket)
      sending.answered(sent.ticket, outcome, set.nowMs)
      run()
    },
    /** Reads back what is due, and whatever comes due then, until no batch is left. Shows the rows that the API has. @returns the number of GETs. */
    readBack(has: (code: string) => boolean): number {
      let gets = 0
      for (run(); proving.batches > 0; ) {
        const fetch = proving.nextFetch(set.nowMs)
        if (!fetch) {
          set.nowMs = proving.nextAtMs(set.nowMs) ?? set.nowMs
          continue
        }
        gets++
        if (gets > 1_000) throw new Error('it reads back again and again')
        const isAsExpected = has(fetch.code)
        fetch.fetched({ kind: 'patient', isAsExpected, record: null }, set.nowMs)
      }
      run()
      return gets
    },
    ticketOf(request: string): Ticket {
      const sent = out.get(request)
      if (!sent) throw new Error(`${request} is not out`)
      return sent.ticket
    },
    add(of: string): void {
      waiting.push(deliveryOf(of))
      changes++
    },
    /** Reports an event after which waiting rows may leave. */
    change(): void {
      changes++
    },
    /** Answers each request, the oldest first, and lets time pass while none is in flight, until this number of rows is settled. */
    settle(rows: number, answer: (codes: readonly string[]) => BatchOutcome): void {
      for (let step = 0; log.accepted.length + log.refused.length < rows; step++) {
        if (step > 1_000) throw new Error('it does not settle')
        const [request] = scene.out()
        if (request === undefined) set.nowMs = sending.nextAtMs(set.nowMs) ?? set.nowMs
        else scene.answer(request, answer([...request]))
      }
    },
  }
  sending.activate(true)
  return scene
}

function deliveryOf(of: string): Delivery {
  const patient = { code: code(of), first_name: 'x' }
  return {
    key: key(of),
    code: code(of),
    patient,
    purpose: 'upsert',
    version: {
      content: { kind: 'patient', patient },
      origin: 'stream',
      lane: 'live',
      committedAtMs: 0,
      bytes: 10,
      read: null,
      position: null,
      xid: null,
      debt: null,
      backfillDebt: null,
    },
  }
}

/** Returns this number of codes: a, b, c … */
export const letters = (count: number) => Array.from({ length: count }, (_, at) => String.fromCharCode(97 + at))

export const accepted: BatchOutcome = { kind: 'accepted' }
export const refusal: BatchOutcome = { kind: 'isolate', status: 422, named: [] }
export const unexpected: BatchOutcome = { kind: 'unexpected success', status: 204 }
export const broken: BatchOutcome = { kind: 'retry', reason: 'status 503', inDoubt: true, status: 503 }
