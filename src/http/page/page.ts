import { html, raw } from 'hono/html'
import { counted, grouped, sizeInWords, timeInWords } from '../../model/quantity.ts'
import { chartFigure } from './charts.ts'
import { deadLetterSection } from './dead-letter-section.ts'
import { pageCharts } from './page-charts.ts'
import { pageScript } from './page-script.ts'
import { pageStyle } from './page-style.ts'
import type { PageView } from './page-view.ts'
import { problemsCard } from './problems-card.ts'
import { type Tone, verdictOf } from './verdict.ts'
import { ago, moment, printable } from './words.ts'

/** Renders the status page on the server. It is complete without a script and makes no external request. */
export function statusPage(view: PageView) {
  const verdict = verdictOf(view)
  const { status, version } = view
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<noscript><meta http-equiv="refresh" content="10"></noscript>
<title>${verdict.state}: ${verdict.badge.toLowerCase()} – mediquo-cdc</title>
<link rel="icon" href="${icon(verdict.tone)}">
<style>${raw(pageStyle)}</style>
</head>
<body>
<div class="wrap">
<header class="top"><span><strong>mediquo-cdc</strong> · ${printable(status.source.table)} to mediQuo</span>
<span id="as-of" data-live>as of ${moment(view.wallClockMs)}</span><span class="stale" id="stale" role="alert"></span></header>
<main>
<div class="card verdict ${verdict.tone}" id="verdict" role="status" data-live>
<div><h1>${verdict.state}</h1><p>${verdict.sentence}</p></div><span class="badge">${marks[verdict.tone]} ${verdict.badge}</span></div>
${problemsCard(view)}
${flowCard(view)}
${backfillCard(view)}
<section class="card" aria-labelledby="charts-title"><h2 id="charts-title">Lately</h2>
<div class="charts">${pageCharts(view).map(chartFigure)}</div></section>
${deadLetterSection(view)}
${sourceCard(view)}
</main>
<footer><span>mediquo-cdc ${version}</span>
<nav aria-label="For machines"><a href="status">status</a><a href="metrics">metrics</a><a href="healthz">healthz</a><a href="readyz">readyz</a></nav></footer>
</div>
<script>${raw(pageScript)}</script>
</body>
</html>`
}

/** Signs with different shapes, for readers who cannot tell the colours apart. */
const marks: Readonly<Record<Tone, string>> = {
  healthy: '\u2713',
  warning: '\u25B3',
  'action-required': '\u2716',
}
const iconColours: Readonly<Record<Tone, string>> = {
  healthy: '17703d',
  warning: 'c98500',
  'action-required': 'b3261e',
}

function icon(tone: Tone): string {
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='#${iconColours[tone]}'/></svg>`
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}

function flowCard({ status, flow, wallClockMs }: PageView) {
  const { source, delivery, deadLetters } = status
  const last = delivery.lastDeliveredAt === null ? 'nothing yet' : `last ${ago(delivery.lastDeliveredAt, wallClockMs)}`
  const waiting = flow.live + flow.backfill
  const nodes = [
    {
      name: 'PostgreSQL',
      figure: source.lagBytes === null ? '–' : sizeInWords(source.lagBytes),
      more: `not settled yet of ${printable(source.table)}`,
    },
    {
      name: 'Waiting',
      figure: grouped(waiting),
      more:
        flow.backfill > 0 ? `${grouped(flow.live)} changed, ${grouped(flow.backfill)} of the backfill` : 'rows to send',
    },
    {
      name: 'In flight',
      figure: grouped(flow.inFlight),
      more: `rows in ${counted(delivery.inFlight, 'request')}`,
    },
    { name: 'mediQuo', figure: grouped(delivery.delivered), more: `delivered since the start, ${last}` },
  ]
  return html`<section class="card" id="flow" data-live aria-labelledby="flow-title"><h2 id="flow-title">On the way</h2>
<ol class="flow">${nodes.map(
    ({ name, figure, more }) =>
      html`<li><span class="name">${name}</span><span class="figure">${figure}</span><span class="more">${more}</span></li>`,
  )}</ol>
<p class="aside"><strong>${grouped(delivery.unchanged)}</strong> unchanged, not sent · <strong>${grouped(deadLetters)}</strong> rejected${
    delivery.lastError === null ? '' : html` · last trouble: ${delivery.lastError}`
  }</p></section>`
}

function backfillCard({ status }: PageView) {
  const { state, rowsRead, rowsEstimated, secondsLeft, finishedAt } = status.backfill
  if (state === 'none') return html`<div id="backfill" data-live hidden></div>`
  const most = Math.max(rowsEstimated, rowsRead, 1)
  const left = secondsLeft === null ? '' : `, at most ${timeInWords(secondsLeft)} left`
  const words =
    state === 'running'
      ? `${grouped(rowsRead)} of about ${grouped(rowsEstimated)} rows read${left}`
      : `done, ${counted(rowsRead, 'row')} read${finishedAt === null ? '' : `, ${moment(finishedAt)}`}`
  return html`<section class="card" id="backfill" data-live aria-labelledby="backfill-title"><h2 id="backfill-title">Backfill</h2>
${state === 'running' ? html`<progress max="${most}" value="${rowsRead}" aria-labelledby="backfill-title"></progress>` : ''}<p class="aside">${words}</p></section>`
}

function sourceCard({ status }: PageView) {
  const { source } = status
  const size = (bytes: number | null) => (bytes === null ? '–' : sizeInWords(bytes))
  const rows: readonly (readonly [string, string])[] = [
    ['Table', printable(source.table)],
    ['Replication slot', printable(source.slot)],
    ['PostgreSQL', source.serverVersion || '–'],
    ['Received up to', source.receivedLsn ?? '–'],
    ['Checkpoint', source.checkpointLsn ?? '–'],
    ['The server stands at', source.currentLsn ?? '–'],
    [
      'WAL that the slot holds',
      `${size(source.retainedBytes)}${source.walStatus === null ? '' : ` (${source.walStatus})`}`,
    ],
    ['Until the server may take it', source.safeWalBytes === null ? 'no limit' : size(source.safeWalBytes)],
    [
      'Lost, if this goes on, in',
      source.secondsUntilSlotLost === null ? '–' : timeInWords(source.secondsUntilSlotLost),
    ],
  ]
  return html`<section class="card" aria-label="The source"><details><summary>The source in detail</summary>
<table id="source" data-live><tbody>${rows.map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`,
  )}</tbody></table></details></section>`
}
