import { grouped, sizeInWords, timeInWords } from '../../model/quantity.ts'
import { historyMs, type Sample } from '../../model/status/sample.ts'
import { type Chart, highest, type Point } from './charts.ts'
import type { PageView } from './page-view.ts'
import { shortTime } from './words.ts'

/** Minimum time span: a line of a few seconds shows nothing. */
const leastSpanMs = 600_000

/** Returns the charts of the last hour, or of the time since the start if that is less. Pure. */
export function pageCharts({ status, samples, monotonicMs: nowMs }: PageView): Chart[] {
  const { source, delivery } = status
  const points = (value: (sample: Sample) => number | null): Point[] =>
    samples.map((sample) => ({ atMs: sample.atMs, value: value(sample) }))

  const spanMs = Math.min(historyMs, Math.max(leastSpanMs, nowMs - (samples[0]?.atMs ?? nowMs)))
  const now = (value: number | null): Point => ({ atMs: nowMs, value })
  const lag = [...points(({ lagBytes }) => lagBytes), now(source.lagBytes)]
  const half = points(({ delivery: times }) => times?.halfWithin ?? null)
  const most = points(({ delivery: times }) => times?.mostWithin ?? null)
  const requests = [...points(({ requestsLastMinute }) => requestsLastMinute), now(delivery.requestsLastMinute)]

  const lagNow = source.lagBytes === null ? 'not known' : sizeInWords(source.lagBytes)
  const lastTimes = samples.findLast(({ delivery: times }) => times !== null)?.delivery ?? null
  const drains =
    source.secondsToDrain === null || source.secondsToDrain < 1 ? '' : `, ${timeInWords(source.secondsToDrain)} to send`
  const quota = `${grouped(delivery.requestsLastMinute)} of ${grouped(delivery.requestsPerMinute)} a minute`
  return [
    {
      id: 'chart-lag',
      title: 'Behind the database',
      now: `${lagNow}${drains}`,
      summary: `WAL that is not settled yet: now ${lagNow}; the most lately ${inWords(highest(lag), sizeInWords)}`,
      lines: [{ name: 'behind', kind: 'main', points: lag }],
      limit: null,
      leastTop: 1_048_576,
      inWords: sizeInWords,
      nowMs,
      spanMs,
    },
    {
      id: 'chart-delivery',
      title: 'Commit to delivery',
      now: lastTimes ? `${shortTime(lastTimes.halfWithin)}, 95 % ${shortTime(lastTimes.mostWithin)}` : 'nothing lately',
      summary: `From a row's commit to mediQuo's acceptance: ${lastTimes ? `lately half within ${shortTime(lastTimes.halfWithin)}, 95 of 100 within ${shortTime(lastTimes.mostWithin)}` : 'nothing was delivered lately'}; the most lately ${inWords(highest(most), shortTime)}`,
      lines: [
        { name: '95 of 100', kind: 'second', points: most },
        { name: 'half', kind: 'main', points: half },
      ],
      limit: null,
      leastTop: 0.2,
      inWords: shortTime,
      nowMs,
      spanMs,
    },
    {
      id: 'chart-quota',
      title: 'Requests',
      now: quota,
      summary: `Requests to mediQuo in a minute: ${quota}; the most lately ${inWords(highest(requests), grouped)}`,
      lines: [{ name: 'requests', kind: 'main', points: requests }],
      limit: delivery.requestsPerMinute,
      leastTop: 1,
      inWords: grouped,
      nowMs,
      spanMs,
    },
  ]
}

function inWords(value: number | null, words: (value: number) => string): string {
  return value === null ? 'not known' : words(value)
}
