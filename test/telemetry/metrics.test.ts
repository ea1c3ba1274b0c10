import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { createMetrics, type GaugeSources, type LabelledSources } from '../../src/telemetry/metrics.ts'
import { textOf } from '../repository/files.ts'

/** Names that dashboards use: they are never renamed. */
const fixed = [
  ...['changes_received_total', 'patients_delivered_total', 'patients_unchanged_total', 'requests_total'],
  ...['retries_total', 'dead_lettered_total', 'deletes_ignored_total', 'truncates_ignored_total'],
  ...['pending_patients', 'in_flight_requests', 'dead_letters', 'replication_lag_bytes', 'slot_retained_bytes'],
  ...['rate_limit_remaining', 'backfill_progress_ratio', 'ready'],
  ...['commit_to_delivery_seconds', 'request_duration_seconds', 'batch_patients', 'build_info'],
]
const fixedLabels = {
  changes_received_total: ['operation'],
  patients_delivered_total: ['lane'],
  requests_total: ['endpoint', 'status'],
  retries_total: ['reason'],
  dead_lettered_total: ['reason'],
  pending_patients: ['lane'],
  request_duration_seconds: ['endpoint'],
}

const metrics = createMetrics('1.2.3')
// The values of the gauges are irrelevant here: any function stands for any source.
const anySource = { get: () => () => 0 }
metrics.observe(new Proxy({} as GaugeSources, anySource), new Proxy({} as LabelledSources, anySource))
const described = metrics.registry.getMetricsAsArray()
const registered = new Set(described.map(({ name }) => name))

const rulesPath = 'config/prometheus/mediquo-cdc.rules.yaml'
const dashboardPath = 'config/grafana/mediquo-cdc.json'
const rules = z
  .object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.object({ alert: z.string(), expr: z.string(), annotations: z.object({ runbook_url: z.string() }) }),
        ),
      }),
    ),
  })
  .parse(parse(textOf(rulesPath)))
  .groups.flatMap((group) => group.rules)

describe('the metrics', () => {
  test('have the names that dashboards use', () => {
    expect(fixed.filter((name) => !registered.has(`mediquo_cdc_${name}`))).toEqual([])
  })

  test.each(Object.entries(fixedLabels))('%s has its labels', (name, labels) => {
    const metric = metrics.registry.getSingleMetric(`mediquo_cdc_${name}`)
    expect(metric).toHaveProperty('labelNames', labels)
  })

  test('are each a line of docs/operations.md, which has no others', () => {
    const lines = described.map((metric) => {
      const kind = metric.constructor.name.toLowerCase()
      const { labelNames } = z.object({ labelNames: z.array(z.string()) }).parse(metric)
      const labels = labelNames.map((label) => `\`${label}\``).join(', ')
      return `| \`${metric.name.replace('mediquo_cdc_', '')}\` | ${kind} | ${labels} | ${metric.help} |`
    })
    const [, table = ''] = textOf('docs/operations.md').split('\n## Every metric\n')
    const documented = table.split('\n## ')[0]?.match(/^\| `.*$/gm)
    expect(documented?.toSorted()).toEqual(lines.toSorted())
  })

  test.each([rulesPath, dashboardPath])('that %s uses exist', (path) => {
    const asked = [...textOf(path).matchAll(/\bmediquo_cdc_\w+/g)].map(([name]) =>
      name.replace(/_(bucket|sum|count)$/, ''),
    )
    expect(asked).not.toEqual([])
    expect(asked.filter((name) => !registered.has(name))).toEqual([])
  })
})

describe('the alerts', () => {
  test('each link to a section of their own', () => {
    const anchors = rules.map(({ annotations }) => annotations.runbook_url)
    expect(new Set(anchors).size).toBe(rules.length)
    for (const anchor of anchors) {
      const [path = '', id] = anchor.split('#')
      expect(textOf(path)).toContain(`<a id="${id}"></a>`)
    }
  })

  const promtool = (...args: string[]) =>
    spawnSync('promtool', args, {
      cwd: fileURLToPath(new URL('../../config/prometheus/', import.meta.url)),
      encoding: 'utf8',
    })

  test('are each raised by a scenario', () => {
    const recorded = textOf('config/prometheus/mediquo-cdc.test.yaml')
    const raised = [...recorded.matchAll(/alertname: (\w+)\n +exp_alerts:\n/g)].map(([, name]) => name)
    expect([...new Set(raised)].toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted())
  })

  test('fire for the metrics of a connector in each scenario, and no others do', (context) => {
    if (promtool('--version').error) return context.skip("promtool is not installed (Debian's package prometheus)")
    const { status, stdout, stderr } = promtool('test', 'rules', 'mediquo-cdc.test.yaml')
    expect({ status, said: `${stdout}${stderr}` }).toMatchObject({ status: 0 })
  })
})
