import { html } from 'hono/html'
import type { ListedDeadLetter } from '../../model/progress/dead-letter-overview.ts'
import { counted, grouped } from '../../model/quantity.ts'
import type { PageView } from './page-view.ts'
import { ago, printable } from './words.ts'

/** Maximum number of dead letters on the page: the command lists all. */
const shown = 10

/** Shows the dead letters by reason, and the newest of them: codes, attributes and reasons, no values. */
export function deadLetterSection({ deadLetters, wallClockMs }: PageView) {
  const { total, byReason, newest } = deadLetters
  if (total === 0) return html`<div id="dead-letters" data-live hidden></div>`
  const rest = total - Math.min(shown, newest.length)
  return html`<section class="card" id="dead-letters" data-live aria-labelledby="dead-letters-title"><h2 id="dead-letters-title">Dead letters</h2>
<p class="aside">${byReason.map(({ reason, rows }, at) => html`${at > 0 ? ' · ' : ''}<strong>${grouped(rows)}</strong> ${reason}`)}</p>
<div class="scroll" tabindex="0" role="region" aria-label="The newest, one by one"><table>
<thead><tr><th scope="col">Code</th><th scope="col">Why</th><th scope="col" class="number">Attempts</th><th scope="col" class="number">Last</th></tr></thead>
<tbody>${newest.slice(0, shown).map(
    (
      letter,
    ) => html`<tr><th scope="row"><code>${printable(letter.code ?? letter.key)}</code></th><td>${why(letter)}</td>
<td class="number">${grouped(letter.attempts)}</td><td class="number">${ago(letter.lastAt, wallClockMs)}</td></tr>`,
  )}</tbody></table></div>
${rest > 0 ? html`<p class="aside">and ${counted(rest, 'row')} more: <code>mediquo-cdc dead-letters list</code></p>` : ''}</section>`
}

function why({ reason, status, attributes }: ListedDeadLetter): string {
  const named = attributes.map(({ attribute, reason: of }) =>
    printable(of === null ? attribute : `${attribute}: ${of}`),
  )
  return [`${reason}${status === null ? '' : ` (${status})`}`, ...named].join(', ')
}
