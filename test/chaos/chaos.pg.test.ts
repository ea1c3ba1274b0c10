import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/model/seeded-random.ts'
import { parseLsn } from '../../src/model/source/lsn.ts'
import { createCore } from '../../src/pipeline/core/core.ts'
import { replayTrace } from '../../src/pipeline/trace.ts'
import { differences, stepsBack, storedPatients, storyOf, wantedPatients } from '../support/crash/crash-table.ts'
import { startWorkload, type Workload } from '../support/crash/crash-workload.ts'
import { shortOrLong } from '../support/test-form.ts'
import { until } from '../support/until.ts'
import { type ChaosScene, chaosScene, values } from './chaos-scene.ts'
import { draw, type Writes } from './troubles.ts'

const minutes = Number(process.env.CHAOS_MINUTES ?? shortOrLong(0.25, 2))
const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000)
/** Share of kills among all events. */
const killShare = 1 / 3

/** Prints a line for the observer of a long run. */
function tell(line: string): void {
  if (process.env.CHAOS_MINUTES) process.stdout.write(`${line}\n`)
}

/** Starts writers, half of them without waiting for the disk, and load on another table. */
function startWriters(url: string, from: number): Workload[] {
  const hasty = new URL(url)
  hasty.searchParams.set('options', '-c synchronous_commit=off')
  const pace = (random: () => number, signal: AbortSignal) =>
    delay(random() * 1_200, undefined, { signal }).catch(() => undefined)
  return [url, hasty.href].map((to, at) => startWorkload({ url: to, seed: from + at, writers: 2, pace }))
}

/** Time within which fewer rows must be owed than ever before, milliseconds. Each code to unsubscribe takes a GET, ten a second. */
const standstillMs = 180_000
/** Time after the last fault until everything is settled, milliseconds. */
const quietMs = 1_200_000

test('both ends are equal at the end, and no rule was broken, under random faults', {
  timeout: minutes * 60_000 + quietMs + 200_000,
}, async ({ annotate }) => {
  const random = seededRandom(seed)
  await using scene = await chaosScene(seed)
  const { database, sandbox } = scene
  let connector = scene.start()
  await connector.reached('streaming')
  let writers = startWriters(database.url, seed)
  const happened: Record<string, number> = {}
  const deeds: Record<string, number> = {}
  const committed = () =>
    writers.flatMap((writer) => Object.values(writer.committed)).reduce((sum, one) => sum + one, 0)
  const writes: Writes = async (least, most) => {
    const wanted = committed() + least + Math.floor((most - least) * random())
    await until(() => committed() >= wanted)
  }
  const endWriters = async () => {
    for (const writer of writers) {
      await writer.stop()
      for (const [name, count] of Object.entries(writer.committed)) deeds[name] = (deeds[name] ?? 0) + count
    }
    writers = []
  }
  try {
    for (let endMs = Date.now() + minutes * 60_000, turn = 1; Date.now() < endMs; turn++) {
      await writes(3, 33)
      await database.query(`insert into elsewhere (note) select 'x' || n from generate_series(1, 200) n`)
      const isKill = random() < killShare
      const trouble = draw(random)
      const name = isKill ? 'kill -9' : trouble.name
      happened[name] = (happened[name] ?? 0) + 1
      tell(`${turn}. ${name}`)
      if (isKill) {
        await connector.kill()
        connector = scene.start()
        continue
      }
      if (trouble.stopsWriters) await endWriters()
      await trouble.run(scene, writes)
      if (trouble.stopsWriters) writers = startWriters(database.url, seed + 1_000 * turn)
    }
  } finally {
    await endWriters()
  }
  sandbox.faults.clear()
  await quiet(scene).catch((error: unknown) => {
    throw new Error(`not quiet (seed ${seed}):\n${connector.lastLines.join('\n')}`, { cause: error })
  })
  expect(await connector.stop(), connector.lastLines.join('\n')).toBe(0)
  const summary = JSON.stringify({ seed, minutes, ...counted(scene), happened, committed: deeds })
  await annotate(summary)
  tell(summary)
  await judge(scene, { summary, kills: happened['kill -9'] ?? 0 })
  // A process that was killed during its start has no trace.
  const traces = scene.traces.filter((trace) => existsSync(trace))
  for (const trace of traces) replays(trace)
  expect(traces.length).toBeGreaterThan(0)
})

/** Checks that a new core wants the same effects as the core of the process, and that no line contains a value of a row. */
function replays(trace: string): void {
  const lines = readFileSync(trace, 'utf8').split('\n').filter(Boolean)
  const { difference } = replayTrace(lines, createCore)
  tell(`${trace}: ${lines.length} lines replayed`)
  expect(difference, trace).toBeNull()
  expect(lines.filter((line) => values.test(line)).slice(0, 3)).toEqual([])
}

/** Resolves once everything that was committed is settled, stored and acknowledged, nothing is owed, and the backfill is over. */
async function quiet({ database, slot }: ChaosScene): Promise<void> {
  const [end] = await database.query('select pg_current_wal_insert_lsn()::text as lsn')
  await database.query(`insert into patients (code, given_name) values ('the end', 'Given0')`)
  let standing: unknown
  let fewest = Number.POSITIVE_INFINITY
  let progressedAtMs = Date.now()
  const lookAt = async () => {
    const [row] = await database.query(
      `select (select lsn from mediquo_cdc.checkpoint) as stored,
         (select confirmed_flush_lsn from pg_replication_slots where slot_name = $1) as confirmed,
         (select count(*) from mediquo_cdc.backfill where state not in ('done', 'replaced')) as passes,
         (select count(*) from mediquo_cdc.delivery where owed is not null) as owed`,
      [slot],
    )
    standing = { ...row, end: end?.lsn }
    const isPast = (lsn?: string | null) => parseLsn(lsn ?? '') >= parseLsn(end?.lsn ?? '')
    if (isPast(row?.stored) && isPast(row?.confirmed) && Number(row?.passes) === 0 && Number(row?.owed) === 0)
      return 'quiet'
    if (Number(row?.owed) < fewest) {
      fewest = Number(row?.owed)
      progressedAtMs = Date.now()
    }
    return Date.now() - progressedAtMs > standstillMs ? 'it stands still' : null
  }
  const state = await until(lookAt, { deadlineMs: quietMs })
  if (state !== 'quiet') throw new Error(`${state}, and stored is: ${JSON.stringify(standing)}`)
}

function counted({ sandbox }: ChaosScene) {
  const puts = sandbox.requests.filter(({ method }) => method === 'PUT')
  const count = (of: number | null) => sandbox.requests.filter(({ status }) => status === of).length
  return { requests: sandbox.requests.length, puts: puts.length, unanswered: count(null), tooMany: count(429) }
}

async function judge(scene: ChaosScene, { summary, kills }: { readonly summary: string; readonly kills: number }) {
  const { database, sandbox, leaks } = scene
  await until(async () => await isSettled(scene), { deadlineMs: 60_000 }).catch(() => undefined)
  const found = differences(await wantedPatients(database), storedPatients(sandbox.patients()))
  const { back } = stepsBack(sandbox)
  const stories = [...found, ...back].slice(0, 5).map(({ code }) => [code, ...storyOf(sandbox, code)].join('\n  '))
  const message = [summary, ...stories].join('\n')
  expect(found.slice(0, 5), message).toEqual([])
  expect(back.slice(0, 5), message).toEqual([])
  expect(await database.query('select source_key, reason, status from mediquo_cdc.dead_letter'), message).toEqual([])
  expect(leaks.slice(0, 3), message).toEqual([])
  // After a kill the connector knows all requests except those that were in flight.
  expect(counted(scene).tooMany, message).toBeLessThanOrEqual(kills)
  for (const { codes } of sandbox.requests.filter(({ method }) => method === 'PUT')) {
    expect(codes.length, message).toBeLessThanOrEqual(100)
    expect(new Set(codes).size, message).toBe(codes.length)
  }
}

async function isSettled({ sandbox, database }: ChaosScene): Promise<boolean> {
  return differences(await wantedPatients(database), storedPatients(sandbox.patients())).length === 0
}
