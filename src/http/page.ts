import { html } from 'hono/html'
import type { Status } from '../model/status.ts'

/** The status for a person's eyes: server-rendered, no script, no outside request, light and dark. */
export function statusPage(status: Status) {
  const rows = (section: Readonly<Record<string, string | number | null>>) =>
    Object.entries(section).map(
      ([name, value]) => html`<tr><th scope="row">${words(name)}</th><td>${value ?? '–'}</td></tr>`,
    )
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<title>mediquo-cdc: ${status.state}</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th { text-align: left; font-weight: normal; width: 50% }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
th, td { padding: .25rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent) }
</style>
</head>
<body>
<h1>${status.state}</h1>
<p>${status.reason ?? ''}</p>
${status.warnings.map((warning) => html`<p role="alert"><strong>Warning:</strong> ${warning}</p>`)}
<h2>Source</h2><table>${rows(status.source)}</table>
<h2>Delivery</h2><table>${rows(status.delivery)}</table>
<h2>Backfill</h2><table>${rows(status.backfill)}</table>
<h2>Dead letters</h2><table>${rows({ rowsSetAside: status.deadLetters })}</table>
</body>
</html>`
}

function words(name: string): string {
  return name.replace(/([A-Z])/g, ' $1').toLowerCase()
}
