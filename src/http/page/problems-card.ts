import { html } from 'hono/html'
import type { RaisedProblem } from '../../model/problem/problem.ts'
import { problemCatalog } from '../../model/problem/problem-kind.ts'
import { problemText } from '../../model/problem/problem-text.ts'
import type { PageView } from './page-view.ts'
import { toneOf } from './verdict.ts'
import { ago } from './words.ts'

/** Shows the problems, each with its fix and its section of the handbook. */
export function problemsCard({ problems, wallClockMs }: Pick<PageView, 'problems' | 'wallClockMs'>) {
  if (problems.length === 0) return html`<div id="problems" data-live hidden></div>`
  return html`<section class="card" id="problems" data-live aria-labelledby="problems-title"><h2 id="problems-title">What to do</h2>
${problems.map((raised) => problemSection(raised, wallClockMs))}</section>`
}

function problemSection({ problem, sinceMs }: RaisedProblem, wallClockMs: number) {
  const { code, severity, anchor } = problemCatalog[problem.kind]
  const { title, detail, fix, commands } = problemText(problem)
  return html`<div class="problem ${toneOf[severity]}"><h3>${title}</h3>
${detail === '' ? '' : html`<p class="detail">${detail}</p>`}<p>${fix}</p>
${commands.length === 0 ? '' : html`<pre><code>${commands.join('\n')}</code></pre>`}
<p class="where">${code}, since ${ago(new Date(sinceMs), wallClockMs)}. More: <code>docs/operations.md#${anchor}</code></p></div>`
}
