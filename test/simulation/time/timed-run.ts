import type { RecentRequests } from '../../../src/checkpoint/store/rows.ts'
import { Writership } from '../../../src/checkpoint/writer.ts'
import { type Permit, Quota } from '../../../src/delivery/quota/quota.ts'
import type { Patient } from '../../../src/model/patient/patient.ts'
import { createCore } from '../../../src/pipeline/core/core.ts'
import type { CoreEvent, FetchedCode, Ticket } from '../../../src/pipeline/core/events.ts'
import type { View } from '../../../src/pipeline/core/view.ts'
import { recentRequests, resumeQuotas } from '../../../src/pipeline/recent-requests.ts'
import { recordTrace } from '../../../src/pipeline/trace.ts'
import { acknowledgements } from '../driver/acknowledgements.ts'
import { coreOptions } from '../driver/core-options.ts'
import { Driver, standing } from '../driver/driver.ts'
import { type Errand, errandsOf } from '../driver/errands.ts'
import type { Handlers } from '../driver/handlers.ts'
import { Stream } from '../world/stream.ts'
import type { World } from '../world/world.ts'
import type { Api, Fetched } from './api.ts'
import type { Plan } from './plan.ts'
import type { VirtualClock } from './virtual-clock.ts'

export const maxInFlight = 4

/** Earlier requests that the store knows. */
export interface KnownRequests {
  requests: RecentRequests
  atMs: number
}

export interface TimedRunOptions {
  readonly world: World
  readonly clock: VirtualClock
  readonly api: Api
  readonly plan: Plan
  readonly random: () => number
  readonly known: KnownRequests
}

/** Starts one run of the connector: every effect takes time, and the quota grants the permits. */
export function startRun({ world, clock, api, plan, random, known }: TimedRunOptions) {
  const { state } = world
  const { requestsPerMinute } = plan
  const started = { stamp: state.stamp, lsn: state.lsn }
  const writership = new Writership()
  const clocks = { monotonicMs: () => clock.nowMs, wallClockMs: () => clock.wallClockMs }
  const quotas = { put: new Quota({ requestsPerMinute, ...clocks }), get: new Quota({ requestsPerMinute, ...clocks }) }
  const permits = new Map<Ticket, Permit>()
  const trace: string[] = []
  const stream = new Stream(world, started.lsn)
  const { signal } = new AbortController()
  let breaks = plan.faults > 0 ? 2 : 0
  let isAlive = true
  let isCutOff = false
  let timer: NodeJS.Timeout | undefined

  const refused = () => {
    // In these worlds a process ends instead of starting another run.
    isAlive = false
  }
  const errands = errandsOf(world, { writership, nowMs: () => clock.nowMs, refused })
  const delayMs = () => 0.2 + random() * 7

  function tell(event: CoreEvent): void {
    if (isAlive) driver.tell(event)
  }

  /** Executes each stage after a delay, even if the process dies in the meantime. Then answers, unless the connection breaks. */
  function travel(errand: Errand): void {
    const breaksAt = breaks > 0 && random() < 0.01 ? Math.floor(random() * (errand.stages.length + 1)) : -1
    if (breaksAt >= 0) breaks--
    let ms = 0
    for (const [at, stage] of errand.stages.entries()) {
      if (at === breaksAt) break
      ms += delayMs()
      clock.after(ms, () => {
        if (!isCutOff) stage()
      })
    }
    clock.after(ms + delayMs(), () => {
      if (!isCutOff) tell(breaksAt >= 0 ? { kind: 'failed', ticket: errand.ticket } : errand.answer())
    })
  }

  function take(ticket: Ticket): Permit {
    const permit = permits.get(ticket)
    if (!permit) throw new Error(`P4: permit ${ticket} is not there to be used`)
    permits.delete(ticket)
    return permit
  }

  const handlers: Handlers = {
    'load records': (effect) => travel(errands['load records'](effect)),
    'find holders': (effect) => travel(errands['find holders'](effect)),
    'list owed rows': (effect) => travel(errands['list owed rows'](effect)),
    'read rows': (effect) => travel(errands['read rows'](effect)),
    'check slot gap': (effect) => travel(errands['check slot gap'](effect)),
    'forget removed rows': (effect) => travel(errands['forget removed rows'](effect)),
    'find backfill': (effect) => travel(errands['find backfill'](effect)),
    'list known rows': (effect) => travel(errands['list known rows'](effect)),
    record: (effect) => {
      const errand = errands.record(effect)
      const requests = recentRequests(quotas)
      const note = () => {
        if (writership.epoch === state.run) Object.assign(known, { requests, atMs: clock.nowMs })
      }
      travel({ ...errand, stages: [...errand.stages, note] })
    },
    'want permit': ({ ticket, endpoint }) => {
      void quotas[endpoint].next(signal).then((permit) => {
        if (!isAlive || !permit) return
        permits.set(ticket, permit)
        tell({ kind: 'permit granted', ticket })
      })
    },
    'return permit': ({ permit }) => take(permit).unused(),
    send: ({ ticket, permit: used, batch }) => {
      const permit = take(used)
      api.put(batch, isCutOff ? null : { open: stream.arriving }, ({ outcome, remaining }) => {
        permit.answered(remaining)
        tell({ kind: 'answered', ticket, outcome })
      })
    },
    'fetch code': ({ ticket, permit: used, code, expected }) => {
      const permit = take(used)
      api.get(code, (found) => {
        permit.answered()
        tell({ kind: 'code fetched', ticket, found: fetched(found, expected) })
      })
    },
    acknowledge: acknowledgements(world, () => driver.view),
    tell: () => undefined,
    drained: () => undefined,
    'pause stream': () => driver.own['pause stream'](),
    'resume stream': () => driver.own['resume stream'](),
    'wake at': ({ ms }) => {
      driver.own['wake at']({ ms })
      clearTimeout(timer)
      if (ms !== null) timer = setTimeout(() => tell({ kind: 'tick' }), Math.max(0, ms - clock.nowMs))
    },
  }

  const untimed = coreOptions(world)
  const options = { ...untimed, limits: { ...untimed.limits, requestsPerMinute } }
  const core = createCore(options)
  const driver: Driver = new Driver({
    world,
    nowMs: clocks.monotonicMs,
    core: world.trace ? recordTrace(core, options, (line) => trace.push(line)) : core,
    handlers,
    isReadable: () => isCutOff || stream.isReadable,
  })

  function takeOver(): void {
    const taken = state.takeOver(writership, started.stamp, clock.nowMs)
    if (taken === null) throw new Error('another process took over')
    const earlier = { recentRequests: known.requests, epoch: state.run, ageMs: clock.nowMs - known.atMs }
    resumeQuotas(quotas, earlier, maxInFlight)
    world.note(() => `${clock.nowMs}ms run ${state.run} takes over, and waits ${taken.othersLeaseMs} ms`)
    tell({ kind: 'stream active', ...taken })
  }

  world.note(() => `${clock.nowMs}ms START from ${state.lsn}, H ${state.horizon?.commitLsn ?? 'none'}`)
  tell({ kind: 'stream opened' })
  setTimeout(takeOver, 5)

  return {
    trace,
    /** The link to the database goes half-open: what it asks of the database is never answered, and it still reaches the API. */
    cutOff(): void {
      isCutOff = true
    },
    /** Kills the process: it receives no further event. */
    die(): void {
      isAlive = false
    },
    get mayReceive(): boolean {
      return !driver.isPaused
    },
    /** Receives the next message of the stream. */
    receive(): void {
      tell({ kind: 'wal', wal: stream.next() })
    },
    get isBehind(): boolean {
      return !stream.isAtEnd
    },
    get isQuiet(): boolean {
      return driver.view.isQuiet && stream.isAtEnd
    },
    get view(): View {
      return driver.view
    },
    get standing(): string {
      return standing(driver.view)
    },
  }
}
export type TimedRun = ReturnType<typeof startRun>

/** Returns the fetched patient as the core expects it. The full patient is needed to unsubscribe it; null if it is unsubscribed. */
function fetched(found: Fetched, expected: Patient | null): FetchedCode {
  if (found === 'refused') return { kind: 'not now', isRefused: true }
  if (found === 'absent' || found === 'not now') return { kind: found }
  const isAsExpected =
    expected !== null &&
    expected.first_name === found.first_name &&
    (expected.plan === undefined) === (found.plan === undefined)
  const { code, first_name } = found
  return { kind: 'patient', isAsExpected, record: found.plan === undefined ? null : { code, first_name } }
}
