/** Style for light and dark, narrow and wide screens. It uses no external font; colours have a contrast of 4.5 to 1 or better. */
export const pageStyle = `
:root { color-scheme: light dark; --ground: #f5f6f8; --card: #ffffff; --edge: #dde1e7; --ink: #1b2430; --faint: #566070;
  --healthy: #17703d; --warning: #8a5a00; --action-required: #b3261e; --line: #1d5bb8; --second: #7c8798;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
@media (prefers-color-scheme: dark) { :root { --ground: #11151b; --card: #1a2029; --edge: #303946; --ink: #e8ecf2; --faint: #a3aebd;
  --healthy: #6fd79a; --warning: #f2c063; --action-required: #ff9d94; --line: #86b6ff; --second: #8793a5 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink) }
.wrap { max-width: 66rem; margin: 0 auto; padding: 1.25rem 1rem 2.5rem }
header.top, footer { display: flex; flex-wrap: wrap; gap: .25rem 1rem; justify-content: space-between; color: var(--faint); font-size: .875rem }
header.top strong { color: var(--ink) }
a { color: inherit }
code { font: .875em/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere }
h2 { font-size: 1rem; margin: 0 0 .75rem }
.card { background: var(--card); border: 1px solid var(--edge); border-radius: .75rem; padding: 1.125rem 1.25rem; margin-top: 1rem }
.verdict { border-left: .5rem solid var(--tone); display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: center; justify-content: space-between }
.verdict h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 }
.verdict p { margin: .25rem 0 0; color: var(--faint) }
.badge { color: var(--tone); border: 2px solid currentColor; border-radius: 2rem; padding: .25rem .9rem; font-weight: 600; white-space: nowrap }
.healthy { --tone: var(--healthy) } .warning { --tone: var(--warning) } .action-required { --tone: var(--action-required) }
.problem + .problem { border-top: 1px solid var(--edge); margin-top: 1rem; padding-top: 1rem }
.problem h3 { font-size: 1rem; margin: 0; color: var(--tone) }
.problem p { margin: .25rem 0 0; overflow-wrap: anywhere }
.problem .detail { font-weight: 600 }
.problem pre { margin: .5rem 0 0; padding: .5rem .75rem; background: var(--ground); border-radius: .5rem; white-space: pre-wrap }
.problem .where { color: var(--faint); font-size: .875rem }
ol.flow { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: 1fr 1fr 1fr 1fr; gap: 2rem }
ol.flow li { position: relative; border: 1px solid var(--edge); border-radius: .625rem; padding: .75rem .875rem; min-width: 0 }
ol.flow li + li::before { content: "\\2192"; position: absolute; left: -1.55rem; top: 50%; transform: translateY(-50%); color: var(--faint); font-size: 1.125rem }
ol.flow .name { display: block; color: var(--faint); font-size: .875rem }
ol.flow .figure { display: block; font-size: 1.625rem; line-height: 1.25; font-weight: 650; font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
ol.flow .more { display: block; color: var(--faint); font-size: .8125rem; overflow-wrap: anywhere }
.aside { margin: .875rem 0 0; color: var(--faint); font-size: .9375rem } .aside strong { color: var(--ink) }
.charts { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 1.5rem; align-items: end }
.chart { margin: 0; min-width: 0 }
.chart figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 .5rem; font-size: .9375rem }
.chart figcaption span, .axis { color: var(--faint) }
.chart strong { font-variant-numeric: tabular-nums }
.chart svg { display: block; width: 100%; height: 6rem; margin-top: .375rem }
.chart path, .chart line { vector-effect: non-scaling-stroke; fill: none }
.base { stroke: var(--edge) } .limit { stroke: var(--action-required); stroke-dasharray: 4 4 }
.line { stroke: var(--line); stroke-width: 2; stroke-linejoin: round } .line.second { stroke: var(--second); stroke-width: 1.5; stroke-dasharray: 3 2 }
.chart path.area { fill: var(--line); fill-opacity: .12; stroke: none }
.axis { display: flex; justify-content: space-between; font-size: .8125rem; margin: .25rem 0 0 }
progress { width: 100%; height: .75rem; accent-color: var(--line) }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .9375rem }
th { text-align: left; font-weight: 600; color: var(--faint) } td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
th, td { padding: .375rem .75rem .375rem 0; border-top: 1px solid var(--edge); vertical-align: top }
thead th { border-top: 0 }
.number { text-align: right; white-space: nowrap; padding-right: 0; padding-left: .75rem }
details summary { cursor: pointer; font-weight: 600 }
details[open] summary { margin-bottom: .5rem }
/* After the tones: it takes their place. */
.verdict.old { --tone: var(--faint) }
.stale { color: var(--action-required); font-weight: 600 } .stale:empty { display: none }
footer { margin-top: 1.25rem } footer nav { display: flex; gap: 1rem }
:focus-visible { outline: 3px solid var(--line); outline-offset: 2px }
@media (max-width: 46rem) {
  ol.flow { grid-template-columns: 1fr; gap: 1.75rem }
  ol.flow li + li::before { content: "\\2193"; left: 50%; top: -1.72rem; transform: translateX(-50%) }
  ol.flow li { display: grid; grid-template-columns: 1fr auto; align-items: center; column-gap: 1rem }
  ol.flow .figure { text-align: right } ol.flow .more { grid-column: 1 / -1 }
  .charts { grid-template-columns: 1fr }
  .verdict h1 { font-size: 1.5rem }
}
`
