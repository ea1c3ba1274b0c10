import { buildRevision } from './build-revision.ts'
import { measureCatchUp } from './catch-up.ts'
import { type Benchmark, quantile, table } from './figures.ts'
import { measureLoneChange } from './lone-change.ts'
import { measureRequests, workloads } from './requests.ts'
import { measureQuota } from './saturation.ts'

const base = process.env.BENCH_BASE
const rounds = Number(process.env.BENCH_ROUNDS ?? 3)
/** Updates a second that either build keeps up with: a build that falls behind coalesces more, and needs fewer requests. */
const updateRate = Number(process.env.BENCH_UPDATE_RATE ?? 1_000)
const quotaMinutes = Number(process.env.BENCH_QUOTA_MINUTES ?? 2)
/** Names of the parts to measure, with commas between; all by default. */
const chosen = process.env.BENCH_PARTS?.split(',') ?? null

interface Build {
  /** Folder of the build; that of this revision by default. */
  readonly dist?: string
}
type Figures = Readonly<Record<string, number>>

/** Measurements of either build, each a figure with its unit. */
const parts: Readonly<Record<string, (build: Build) => Promise<Figures>>> = {
  'catch-up': async (build) => {
    const figures: Record<string, number> = {}
    for (const size of [1, 100]) {
      const { changesPerSecond, cpuMicroseconds } = await measureCatchUp(size, build)
      figures[`${size} a transaction: changes a second`] = changesPerSecond
      figures[`${size} a transaction: processor, µs a change`] = cpuMicroseconds
    }
    return figures
  },
  'lone-change': async (build) => {
    const { spaced, unspaced } = await measureLoneChange(build)
    return {
      'apart: p50, ms': quantile(spaced.toArrival, 0.5),
      'apart: p95, ms': quantile(spaced.toArrival, 0.95),
      'no pause between: p50, ms': quantile(unspaced.toArrival, 0.5),
      'no pause between: p95, ms': quantile(unspaced.toArrival, 0.95),
    }
  },
  requests: async (build) => {
    const figures: Record<string, number> = {}
    for (const [name, rowOf] of Object.entries(workloads)) {
      const { sent, least, refused, equalSeconds } = await measureRequests(rowOf, { ...build, rate: updateRate })
      figures[`${name}: requests of the least possible`] = sent / least
      figures[`${name}: equal after, s`] = equalSeconds
      figures[`${name}: 429`] = refused
    }
    return figures
  },
  quota: async (build) => {
    const { sharePercent, refused } = await measureQuota({ kind: 'fixed', minutes: quotaMinutes, kills: 0, ...build })
    return { 'of the quota, %': sharePercent, '429': refused }
  },
}

/** Measures another revision's build and this one by turns, either first in every other round: the medians, and the median ratio of a round. */
export const versions: Benchmark = async (print) => {
  if (base === undefined || base === '') {
    print('BENCH_BASE names no git revision to compare with')
    return
  }
  await using before = await buildRevision(base)
  print(
    `${before.revision} and this build by turns, the median of ${rounds} rounds (quota: one of ${quotaMinutes} min)`,
  )
  const lines = [['', before.revision, 'this build', 'ratio']]
  for (const [name, measure] of Object.entries(parts)) {
    if (chosen !== null && !chosen.includes(name)) continue
    const taken: { readonly before: Figures; readonly now: Figures }[] = []
    for (let round = 0; round < (name === 'quota' ? 1 : rounds); round++) {
      const nowFirst = round % 2 === 1 ? await measure({}) : null
      const was = await measure({ dist: before.dist })
      taken.push({ before: was, now: nowFirst ?? (await measure({})) })
    }
    lines.push([name, '', '', ''])
    for (const figure of Object.keys(taken[0]?.now ?? {})) {
      const pairs = taken.map(({ before: was, now }) => ({
        was: was[figure] ?? Number.NaN,
        is: now[figure] ?? Number.NaN,
      }))
      const median = (of: (pair: { was: number; is: number }) => number) => quantile(pairs.map(of), 0.5).toFixed(2)
      lines.push([
        `  ${figure}`,
        median(({ was }) => was),
        median(({ is }) => is),
        median(({ was, is }) => (was === is ? 1 : is / was)),
      ])
    }
  }
  for (const line of table(lines)) print(line)
}
