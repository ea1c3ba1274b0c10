import { setTimeout as sleep } from 'node:timers/promises'
import { startConnector } from './connector-process.ts'
import { type Benchmark, latencies, latencyHeadings, table, whole } from './figures.ts'
import { makeSlot, nowMs, startLibraryAlone } from './library-alone.ts'
import { openStand, type Stand } from './stand.ts'
import { until } from './until.ts'

const rates = [10, 100, 1_000]
const seconds = Number(process.env.BENCH_SECONDS ?? 20)
const rows = Math.max(...rates) * seconds
const floorSlot = 'library_alone'

/** Times of the commit of a change and of its arrival, milliseconds of the epoch. */
interface Passage {
  readonly committedAtMs: number
  readonly atMs: number
}

/**
 * Writes changes at a steady rate, each of another row. Measures from the commit until the request arrives, next to the delay of the
 * library.
 */
export const atRates: Benchmark = async (print) => {
  await using stand = await openStand({ rows })
  await using _connector = await startConnector(stand)
  await makeSlot(stand, floorSlot)
  let seen = new Map<string, Passage>()
  await using _library = startLibraryAlone(stand.server.url(), floorSlot, (committedAtMs, code) =>
    seen.set(code, { committedAtMs, atMs: nowMs() }),
  )
  const lines: string[][] = [['changes a second', ...latencyHeadings]]
  for (const rate of rates) {
    seen = new Map()
    const lastId = (await stand.sandbox.arrivals()).at(-1)?.id ?? 0
    const changes = await write(stand, rate)
    const arrivedAtMs = new Map<string, number>()
    const allArrived = async () => {
      for (const { codes, epochMs, status } of await stand.sandbox.arrivals(lastId)) {
        if (status === 200) for (const code of codes) if (!arrivedAtMs.has(code)) arrivedAtMs.set(code, epochMs)
      }
      return arrivedAtMs.size === changes && seen.size === changes
    }
    await until(allArrived, { everyMs: 200, withinMs: 120_000, what: `${changes} changes to arrive` })
    const sights = [...seen.values()].map(({ committedAtMs, atMs }) => atMs - committedAtMs)
    const arrivals = [...seen].map(([code, { committedAtMs }]) => (arrivedAtMs.get(code) ?? Number.NaN) - committedAtMs)
    lines.push([`${whole(rate)}: commit to arrival`, ...latencies(arrivals)])
    lines.push(['  floor: commit to first sight', ...latencies(sights)])
    // A permit comes back a minute after its answer: the next rate has all permits again.
    await sleep(62_000)
  }
  print(`each rate for ${seconds} s, every change of another row; 600 requests a minute of at most 100`)
  for (const line of table(lines)) print(line)
}

/** Writes changes at this rate. @returns their number. */
async function write({ pool }: Stand, rate: number): Promise<number> {
  const startedAt = performance.now()
  let written = 0
  while (written < rate * seconds) {
    const due = Math.min(rate * seconds, Math.floor(((performance.now() - startedAt) / 1_000) * rate))
    const each = Array.from({ length: due - written }, (_, at) => written + at + 1)
    await Promise.all(
      each.map((row) =>
        pool.query('update patients set email = $2 where code = $1', [`P${row}`, `at${rate}@example.org`]),
      ),
    )
    written = due
    await sleep(1)
  }
  return written
}
