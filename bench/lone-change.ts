import { setTimeout as sleep } from 'node:timers/promises'
import { startConnector } from './connector-process.ts'
import { type Benchmark, latencies, latencyHeadings, table } from './figures.ts'
import { makeSlot, nowMs, startLibraryAlone } from './library-alone.ts'
import type { Arrival } from './sandbox-process.ts'
import { size } from './scale.ts'
import { openStand, type Stand } from './stand.ts'
import { until } from './until.ts'

const changes = size('BENCH_LONE_CHANGES', 200)
/** Longer than the interval of ten requests a second, so that no change waits for its turn. */
const spacingMs = 150
const floorSlot = 'library_alone'

/** Times at which a change was committed, and delivered by the library, milliseconds of the epoch. */
interface Sighting {
  readonly committedAtMs: number
  readonly seenAtMs: number
}

/** Measures a single change from its commit until its request arrives, next to the delay of the library and of a request alone. */
export const loneChange: Benchmark = async (print) => {
  const { spaced, unspaced, put } = await measureLoneChange()
  print(`${changes} changes, each committed once the one before it has arrived; 600 requests a minute`)
  for (const line of table([
    ['', ...latencyHeadings],
    [`commit to arrival, ${spacingMs} ms apart`, ...latencies(spaced.toArrival)],
    ['  floor: commit to first sight', ...latencies(spaced.toSight)],
    ['commit to arrival, no pause between', ...latencies(unspaced.toArrival)],
    ['  floor: commit to first sight', ...latencies(unspaced.toSight)],
    ['floor: a PUT and its answer', ...latencies(put)],
  ]))
    print(line)
}

/** Measures every delay, milliseconds: of separate changes, of changes without a pause, and of a request alone. */
export async function measureLoneChange(build: { readonly dist?: string } = {}) {
  await using stand = await openStand({ rows: changes })
  await using connector = await startConnector(stand, build)
  await makeSlot(stand, floorSlot)
  const sightings: Sighting[] = []
  await using library = startLibraryAlone(stand.server.url(), floorSlot, (committedAtMs) =>
    sightings.push({ committedAtMs, seenAtMs: nowMs() }),
  )
  await update(stand, 1, 'first')
  await library.received(1)
  await sleep(1_500)

  const spaced = await series(stand, sightings, { name: 'spaced', betweenMs: spacingMs })
  await sleep(1_500)
  const unspaced = await series(stand, sightings, { name: 'unspaced', betweenMs: 0 })
  await connector.stop()
  await stand.sandbox.limit(1_000_000)
  return { spaced, unspaced, put: await roundTrips(stand) }
}

async function update({ pool }: Stand, row: number, mailbox: string): Promise<void> {
  await pool.query('update patients set email = $2 where code = $1', [`P${row}`, `${mailbox}@example.org`])
}

async function series(
  stand: Stand,
  sightings: readonly Sighting[],
  { name, betweenMs }: { readonly name: string; readonly betweenMs: number },
) {
  const arrivals: Arrival[] = []
  const firstSighting = sightings.length
  let lastId = (await stand.sandbox.arrivals()).at(-1)?.id ?? 0
  for (let row = 1; row <= changes; row++) {
    const startedAt = performance.now()
    await update(stand, row, `${name}${row}`)
    const arrived = async () => {
      const [found] = (await stand.sandbox.arrivals(lastId)).filter(({ codes }) => codes.includes(`P${row}`))
      if (found) arrivals.push(found)
      lastId = found?.id ?? lastId
      return found !== undefined
    }
    await until(arrived, { everyMs: 2, withinMs: 70_000, what: 'a change to arrive' })
    const restMs = betweenMs - (performance.now() - startedAt)
    if (restMs > 0) await sleep(restMs)
  }
  const sights = sightings.slice(firstSighting, firstSighting + changes)
  return {
    toSight: sights.map(({ committedAtMs, seenAtMs }) => seenAtMs - committedAtMs),
    toArrival: sights.flatMap(({ committedAtMs }, at) => {
      const arrival = arrivals[at]
      return arrival ? [arrival.epochMs - committedAtMs] : []
    }),
  }
}

/** Sends the same request without a connector: one patient, over a connection that is kept open. */
async function roundTrips({ sandbox }: Stand): Promise<number[]> {
  const patient = { code: 'P1', first_name: 'Given', gender: 'male', birth_date: '1980-02-01', plan: 'premium' }
  const headers = {
    'x-api-key': sandbox.keys.apiKey,
    'x-secret-key': sandbox.keys.secretKey,
    accept: 'application/json',
    'content-type': 'application/json',
  }
  const body = JSON.stringify({ patients: [patient] })
  const taken: number[] = []
  for (let at = 0; at < changes; at++) {
    const startedAtMs = nowMs()
    const response = await fetch(`${sandbox.baseUrl}/patients`, { method: 'PUT', headers, body })
    await response.text()
    taken.push(nowMs() - startedAtMs)
  }
  return taken
}
