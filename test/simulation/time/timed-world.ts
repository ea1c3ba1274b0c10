import { seededRandom } from '../../../src/model/seeded-random.ts'
import { checkQuiet } from '../world/checks.ts'
import { Choices } from '../world/choices.ts'
import { drawProfile } from '../world/profile.ts'
import { makeSlot, setUp } from '../world/set-up.ts'
import { codeOf, keyOf } from '../world/values.ts'
import { World } from '../world/world.ts'
import { write } from '../world/writer.ts'
import { Api } from './api.ts'
import { drawPlan, type Plan } from './plan.ts'
import { type KnownRequests, maxInFlight, startRun, type TimedRun } from './timed-run.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface TimedOutcome {
  /** Description of the failure, which begins with the broken promise; null if there is none. */
  readonly wrong: string | null
  /** Events of the run, for people. */
  readonly told: readonly string[]
  /** Trace of each run of the core. */
  readonly traces: readonly (readonly string[])[]
  readonly plan: Plan
  readonly virtualMs: number
}

const epochMs = Date.parse('2026-01-01T00:00:00Z')
/**
 * Limits after the last planned event, within which the world must come to rest: twenty minutes, or the time for as many requests as a few
 * bad rows take beside a good one that changes every forty seconds.
 */
const most = { ms: 20 * 60_000, requests: 400 }

export const ofTimedSeed = (seed: number) => simulateInTime(drawPlan(seed))

/** Simulates one plan from its beginning until no work is left, on a virtual clock. */
async function simulateInTime(plan: Plan, { traced = false } = {}): Promise<TimedOutcome> {
  const random = seededRandom(plan.seed + 1)
  const clock = new VirtualClock(epochMs + (plan.seed % 60_000))
  const choices = Choices.again([...plan.beginning, ...plan.transactions.map(({ number }) => number)])
  choices.step()
  const names = Array.from({ length: plan.keys + 1 }, (_, at) => String(at + 1))
  const slotLosses = plan.crashes.filter(({ losesSlot }) => losesSlot).length
  const rows = { keys: names.slice(0, plan.keys).map(keyOf), codes: names.map((name) => codeOf(`c${name}`)) }
  const profile = drawProfile(choices, {
    stepKinds: 0,
    ...rows,
    slotLosses,
    ...calm,
    batchSize: plan.batchSize,
    maxInFlight,
  })
  // Y is refused at random, which no real row is.
  const letters = profile.letters.filter((letter) => letter !== 'Y')
  const world = new World(choices, { ...profile, letters }, { traced })
  const traces: (readonly string[])[] = []
  const restore = clock.install(random)
  try {
    choices.step()
    setUp(world)
    await live({ world, clock, plan, random, traces })
  } catch (error) {
    world.fail(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  } finally {
    restore()
  }
  return { wrong: world.wrong, told: world.trace ?? [], traces, plan, virtualMs: clock.nowMs }
}

/** Properties that only the simulation of steps varies. */
const calm = {
  streamLosses: 0,
  stops: 0,
  storeLosses: 0,
  cuts: 0,
  applyLater: 0,
  slow: null,
  outage: null,
  hanging: null,
  changes: 4,
} as const

interface Life {
  readonly world: World
  readonly clock: VirtualClock
  readonly plan: Plan
  readonly random: () => number
  readonly traces: (readonly string[])[]
}

async function live({ world, clock, plan, random, traces }: Life): Promise<void> {
  const { table, choices } = world
  const api = new Api({ world, clock, plan, random })
  const known: KnownRequests = { requests: [], atMs: 0 }
  let run: TimedRun | null = null
  let isEnding = false
  /** Process whose link to the database is half-open. */
  let cutOff: TimedRun | null = null
  const start = () => {
    run = startRun({ world, clock, api, plan, random, known })
    traces.push(run.trace)
  }
  const streamOn = () => {
    if (run?.mayReceive) run.receive()
    clock.after(run?.isBehind ? 1 + random() * 20 : 300, streamOn)
  }
  const transact = () => {
    choices.step()
    const writer = table.begin()
    const many = 1 + choices.below(4)
    for (let left = many; left > 0; left--) write(world, writer)
    clock.after(random() * 30, () => {
      table.commit(writer)
      // With synchronous replication, a transaction becomes visible much later.
      clock.after(random() < 0.2 ? random() * 3_000 : random(), () => table.end(writer))
    })
  }
  for (const { atMs } of plan.transactions) clock.after(atMs, transact)
  for (const left of [...table.running]) {
    clock.after(random() * 5_000, () => {
      if (left.state === 'open') table.commit(left)
      table.end(left)
    })
  }
  for (const { atMs, downMs, losesSlot } of plan.crashes) {
    clock.after(atMs, () => {
      if (!run) return
      world.note(() => `${(clock.nowMs / 1_000).toFixed(3)}s CRASH${losesSlot ? ', the slot is lost' : ''}`)
      run.die()
      cutOff?.die()
      run = null
      clock.kill()
      api.forgetClient()
      world.openReads.clear()
      clock.after(downMs, () => {
        if (losesSlot) makeSlot(world)
        start()
      })
    })
  }
  for (const { atMs, gapMs, livesMs } of plan.cuts) {
    clock.after(atMs, () => {
      if (!run) return
      world.note(() => `${(clock.nowMs / 1_000).toFixed(3)}s the link to the database goes half-open`)
      run.cutOff()
      const first = run
      cutOff = first
      run = null
      world.openReads.clear()
      clock.after(gapMs, start)
      clock.after(gapMs + livesMs, () => first.die())
    })
  }
  const lastMs = Math.max(
    0,
    ...[...plan.transactions, ...plan.crashes, ...plan.cuts].map(({ atMs }) => atMs),
    ...plan.cuts.map(({ atMs, gapMs, livesMs }) => atMs + gapMs + livesMs),
    ...plan.outages.map(({ toMs }) => toMs),
  )
  clock.after(lastMs + 100_000, () => {
    isEnding = true
    api.isFaulty = false
  })
  // Row that is always good. With bad rows alone, the API seems to refuse everything, and the core waits.
  const keeper = { key: keyOf('k'), code: codeOf('k') }
  let turn = 0
  const keep = () => {
    if (table.isLocked) {
      clock.after(1_000, keep)
      return
    }
    const writer = table.begin()
    table.write(writer, { key: keeper.key, image: { code: keeper.code, letter: turn++ % 2 ? 'A' : 'B' } })
    table.commit(writer)
    table.end(writer)
    // In the end there is time to read it back, however long the API is known to take.
    if (!isEnding || !run?.isQuiet) clock.after(isEnding ? 100_000 : 40_000, keep)
  }
  clock.after(10, keep)
  clock.after(0, start)
  clock.after(1, streamOn)

  const mostMs = Math.max(plan.unreadable ? 2 * most.ms : most.ms, (most.requests * 60_000) / plan.requestsPerMinute)
  let looked = 0
  while (world.wrong === null && clock.next()) {
    await settled()
    if (!isEnding || ++looked % 8 !== 0) continue
    if (isAtRest(world, api, run)) return checkRest(world, run)
    if (clock.nowMs > lastMs + mostMs) world.fail(`stuck: ${standing(world, api, run)}`)
  }
}

function isAtRest(world: World, api: Api, run: TimedRun | null): run is TimedRun {
  return (
    run?.isQuiet === true &&
    !world.state.hasOwed &&
    world.table.running.length === 0 &&
    api.underWay === 0 &&
    world.hasBackfilled
  )
}

function standing(world: World, api: Api, run: TimedRun | null): string {
  const { running, insertLsn } = world.table
  return `${run?.standing} ${JSON.stringify({ running: running.length, underWay: api.underWay, backfill: world.state.nextPass()?.state, insertLsn, lsn: world.state.lsn })}`
}

/** Checks P2, P3, P5 and P8: both ends agree, whatever was applied last, and memory is empty. */
function checkRest(world: World, run: TimedRun): void {
  checkQuiet(world)
  const { entries, payloadBytes } = run.view
  if (entries > 0 || payloadBytes > 0)
    world.fail(`P8: ${entries} rows and ${payloadBytes} bytes are in memory, and nothing is to be done`)
}

/** Resolves after all pending promises have settled. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Removes as many parts of a plan as possible while the same promise breaks. */
export async function shrinkPlan(found: TimedOutcome): Promise<TimedOutcome> {
  const promise = promiseOf(found)
  let { plan } = found
  const without = <T>(list: readonly T[], at: number) => [...list.slice(0, at), ...list.slice(at + 1)]
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false
    const smaller: Plan[] = [
      { ...plan, faults: 0 },
      { ...plan, applyMs: 0 },
      ...(['transactions', 'crashes', 'cuts', 'outages'] as const).flatMap((of) =>
        plan[of].map((_, at) => ({ ...plan, [of]: without<unknown>(plan[of], at) })),
      ),
    ].filter((other) => JSON.stringify(other) !== JSON.stringify(plan))
    for (const other of smaller) {
      if (promiseOf(await simulateInTime(other)) !== promise) continue
      plan = other
      isSmaller = true
      break
    }
  }
  return await simulateInTime(plan, { traced: true })
}

function promiseOf({ wrong }: Pick<TimedOutcome, 'wrong'>): string | null {
  return wrong?.split(':')[0] ?? null
}
