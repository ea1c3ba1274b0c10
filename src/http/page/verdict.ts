import { problemCatalog, type Severity } from '../../model/problem/problem-kind.ts'
import type { ConnectorState } from '../../model/status/status.ts'
import type { PageView } from './page-view.ts'

/** Degrees of urgency, the lowest first. */
export const tones = ['healthy', 'warning', 'action-required'] as const
export type Tone = (typeof tones)[number]

export interface Verdict {
  readonly tone: Tone
  /** Tone in words, for readers who see no colour. */
  readonly badge: string
  readonly state: string
  /** Activity of the connector, or the reason why it does nothing. */
  readonly sentence: string
}

export const toneOf: Readonly<Record<Severity, Tone>> = { warning: 'warning', critical: 'action-required' }

const badges: Readonly<Record<Tone, string>> = {
  healthy: 'Healthy',
  warning: 'Warning',
  'action-required': 'Action required',
}

const activities: Readonly<Record<ConnectorState, string>> = {
  starting: 'Both ends are prepared.',
  standby: 'Another instance holds the replication slot and delivers. This one takes over when it stops.',
  backfilling: 'Changes are delivered as they are committed, and the rows of the table are read in addition.',
  streaming: 'Changes are delivered as they are committed.',
  blocked: 'Nothing is sent.',
  stopping: 'What is in flight is settled, then the connector ends.',
}

/** Returns the connector's state at a glance. Pure. */
export function verdictOf({ status, problems }: Pick<PageView, 'status' | 'problems'>): Verdict {
  const entries = problems.map(({ problem }) => problemCatalog[problem.kind])
  const isCritical = entries.some(({ severity }) => severity === 'critical')
  const tone = entries.length === 0 ? 'healthy' : toneOf[isCritical ? 'critical' : 'warning']
  const effect = entries.find((entry) => entry.effect !== null)?.effect
  return { tone, badge: badges[tone], state: capital(status.state), sentence: effect ?? activities[status.state] }
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
