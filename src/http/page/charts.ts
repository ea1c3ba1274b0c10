import { html } from 'hono/html'
import { timeInWords } from '../../model/quantity.ts'

/** Point of a line; null: the value is not known, and the line is broken there. */
export interface Point {
  readonly atMs: number
  readonly value: number | null
}

export interface Line {
  readonly name: string
  readonly kind: 'main' | 'second'
  readonly points: readonly Point[]
}

export interface Chart {
  readonly id: string
  readonly title: string
  /** Current value, in words. */
  readonly now: string
  /** Text of the chart for screen readers. */
  readonly summary: string
  readonly lines: readonly Line[]
  /** Level that should not be exceeded, drawn as a line; null: none. */
  readonly limit: number | null
  /** Minimum of the vertical scale, so that a line of small values stays low. */
  readonly leastTop: number
  readonly inWords: (value: number) => string
  /** Current time on the clock of the points. */
  readonly nowMs: number
  /** Time span of the chart, milliseconds. */
  readonly spanMs: number
}

const size = { width: 320, height: 96, top: 8 }
/** Maximum distance of samples that are joined, milliseconds. */
const gapMs = 45_000

/** Draws the last hour on the server, so that the chart needs no script and scales with the page. */
export function chartFigure(chart: Chart) {
  const { id, title, now, summary, lines, limit, inWords } = chart
  const top = topOf(chart)
  const y = (value: number) => round(size.top + (size.height - size.top) * (1 - Math.min(1, value / top)))
  const place = { x: (atMs: number) => round(size.width * (1 - (chart.nowMs - atMs) / chart.spanMs)), y }
  return html`<figure class="chart" id="${id}" data-live>
<figcaption><span>${title}</span> <strong>${now}</strong></figcaption>
<svg viewBox="0 0 ${size.width} ${size.height}" preserveAspectRatio="none" role="img" aria-label="${summary}">
<line class="base" x1="0" x2="${size.width}" y1="${size.height - 0.5}" y2="${size.height - 0.5}"/>
${limit === null ? '' : html`<line class="limit" x1="0" x2="${size.width}" y1="${y(limit)}" y2="${y(limit)}"/>`}
${lines.map(({ kind, points }) => stretches(points).map((stretch) => pathOf(stretch, kind, place)))}
</svg>
<p class="axis"><span>${timeInWords(chart.spanMs / 1000)} ago</span><span>${limit === null ? `to ${inWords(top)}` : `limit ${inWords(limit)}`}</span><span>now</span></p>
</figure>`
}

/** Returns the highest known value; null if there is none. */
export function highest(points: readonly Point[]): number | null {
  const known = points.flatMap(({ value }) => (value === null ? [] : [value]))
  return known.length === 0 ? null : Math.max(...known)
}

function topOf({ lines, limit, leastTop }: Chart): number {
  const values = lines.map(({ points }) => highest(points) ?? 0)
  return Math.max(leastTop, limit === null ? 0 : limit * 1.1, ...values)
}

type Known = readonly { readonly atMs: number; readonly value: number }[]

/** Splits the points into runs of known values without a gap. */
function stretches(points: readonly Point[]): Known[] {
  const found: { atMs: number; value: number }[][] = []
  let last: number | null = null
  for (const { atMs, value } of points) {
    if (value === null) continue
    const joined = last !== null && atMs - last <= gapMs ? found.at(-1) : undefined
    if (joined) joined.push({ atMs, value })
    else found.push([{ atMs, value }])
    last = atMs
  }
  return found
}

interface Place {
  readonly x: (atMs: number) => number
  readonly y: (value: number) => number
}

function pathOf(stretch: Known, kind: Line['kind'], { x, y }: Place) {
  const points = stretch.map(({ atMs, value }) => `${x(atMs)} ${y(value)}`)
  const [first] = stretch
  const last = stretch.at(-1)
  if (!first || !last) return ''
  // Draw a single point as a short dash.
  const path = points.length === 1 ? `M${points[0]}h2` : `M${points.join('L')}`
  const area = kind === 'main' && points.length > 1
  return html`${area ? html`<path class="area" d="${path}L${x(last.atMs)} ${size.height}L${x(first.atMs)} ${size.height}Z"/>` : ''}<path class="line ${kind}" d="${path}"/>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
