import { setTimeout as sleep } from 'node:timers/promises'
import { startConnector } from './connector-process.ts'
import { type Benchmark, table, whole } from './figures.ts'
import type { Arrival } from './sandbox-process.ts'
import { openStand } from './stand.ts'

const minutes = Number(process.env.BENCH_MINUTES ?? 10)
const quotaPerMinute = 600
/** Small number of patients a request, so that a small table needs many requests. */
const batchSize = 10
const windows = ['fixed', 'clock minute', 'sliding log', 'sliding counter'] as const
const kills = 3

/** Response times of 20 to 500 ms with a tail of 2 s. */
const slowness = [
  { kind: 'slow', endpoint: 'put', delayMs: 2_000, probability: 0.02, seed: 1 },
  { kind: 'slow', endpoint: 'put', delayMs: 480, probability: 0.1, seed: 2 },
  { kind: 'slow', endpoint: 'put', delayMs: 230, probability: 0.3, seed: 3 },
  { kind: 'slow', endpoint: 'put', delayMs: 80, probability: 0.4, seed: 4 },
]

/**
 * Measures how much of the quota a saturated connector uses with each window of the server, and if it is ever refused. Kills it at the end.
 */
export const saturation: Benchmark = async (print) => {
  const found = await Promise.all(
    windows.map(async (kind) => {
      const use = await measureQuota({ kind, minutes, kills })
      return [
        kind,
        whole(use.accepted),
        use.sharePercent.toFixed(2),
        whole(use.refused),
        whole(use.refusedAfterKills),
        use.medianAnswerMs.toFixed(0),
      ]
    }),
  )
  print(`${minutes} minutes at saturation, then ${kills} times kill -9, each a minute apart; all four at the same time`)
  for (const line of table([
    ['the server counts by', 'accepted', 'of the quota, %', '429', '429 with kills', 'median answer, ms'],
    ...found,
  ]))
    print(line)
}

interface Saturation {
  /** Kind of window. */
  readonly kind: (typeof windows)[number]
  readonly minutes: number
  readonly kills: number
  readonly dist?: string
}

/** Requests of a saturated connector, those refused with 429, and the use of the rest of the quota. */
interface QuotaUse {
  readonly accepted: number
  readonly sharePercent: number
  readonly refused: number
  readonly refusedAfterKills: number
  readonly medianAnswerMs: number
}

export async function measureQuota({ kind, minutes, kills, ...build }: Saturation): Promise<QuotaUse> {
  const rows = Math.ceil((minutes + kills + 3) * quotaPerMinute * batchSize)
  await using stand = await openStand({ rows })
  await stand.sandbox.change({ latencyMs: 20, rateLimit: { kind, limit: quotaPerMinute } })
  await stand.sandbox.faults(slowness)
  const options = { backfill: 'initial', batchSize, ...build } as const
  let connector = await startConnector(stand, options)
  const { sandbox } = stand
  try {
    let puts: Arrival[] = []
    const arrivals = async () => (await sandbox.arrivals()).filter(({ endpoint }) => endpoint === 'put')
    while (puts.length === 0) {
      await sleep(50)
      puts = await arrivals()
    }
    const fromMs = puts[0]?.epochMs ?? 0
    const toMs = fromMs + minutes * 60_000
    await sleep(toMs - Date.now() + 2_500)
    puts = await arrivals()
    const during = puts.filter(({ epochMs }) => epochMs >= fromMs && epochMs < toMs)
    const accepted = during.filter(({ status }) => status === 200).length
    const refused = during.filter(({ status }) => status === 429).length
    for (let kill = 0; kill < kills; kill++) {
      await connector.kill()
      connector = await startConnector(stand, options)
      await sleep(60_000)
    }
    const killed = (await arrivals()).filter(({ epochMs, status }) => epochMs >= toMs && status === 429).length
    const sharePercent = (100 * accepted) / (minutes * quotaPerMinute)
    const answers = during
      .flatMap(({ arrivedAtMs, answeredAtMs }) => (answeredAtMs === null ? [] : [answeredAtMs - arrivedAtMs]))
      .toSorted((a, b) => a - b)
    const medianAnswerMs = answers[Math.floor(answers.length / 2)] ?? Number.NaN
    return { accepted, sharePercent, refused, refusedAfterKills: killed, medianAnswerMs }
  } finally {
    await connector.stop()
  }
}
