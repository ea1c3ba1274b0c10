import {
  type ConnectorState,
  type DeliveryTrouble,
  isStreaming,
  stateCannotBeWritten,
} from '../../model/status/status.ts'
import { backfillStalls } from './backfill-stall.ts'
import { fallsBehind, type Judged } from './matters.ts'

/** Degrees of urgency, the lowest first. */
export const tones = ['well', 'working', 'standing by', 'look', 'act'] as const
export type Tone = (typeof tones)[number]

export interface Verdict {
  readonly tone: Tone
  /** Tone in words, for readers who see no colour. */
  readonly badge: string
  readonly state: string
  /** Activity of the connector, or the reason why it does nothing. */
  readonly sentence: string
}

const badges: Readonly<Record<Tone, string>> = {
  well: 'All is well',
  working: 'At work',
  'standing by': 'Standing by',
  look: 'Needs a look',
  act: 'Needs you now',
}

const doing: Readonly<Record<ConnectorState, { readonly tone: Tone; readonly sentence: string }>> = {
  starting: { tone: 'working', sentence: 'It makes both ends ready.' },
  standby: {
    tone: 'standing by',
    sentence: 'Another instance holds the replication slot and delivers. This one takes over when it goes.',
  },
  backfilling: {
    tone: 'working',
    sentence: 'Changes are delivered as they are committed, and the rows of the table are read beside them.',
  },
  streaming: { tone: 'well', sentence: 'Changes are delivered as they are committed.' },
  blocked: { tone: 'act', sentence: 'Nothing is sent until somebody has acted. Nothing is lost in the meantime.' },
  stopping: { tone: 'working', sentence: 'It settles what is in flight, and ends.' },
}

const troubles: Readonly<Record<DeliveryTrouble, { readonly tone: Tone; readonly sentence: string }>> = {
  outage: { tone: 'look', sentence: 'mediQuo does not answer. Changes wait, and are delivered once it does.' },
  halted: { tone: 'act', sentence: 'mediQuo refuses the keys. Changes wait until the keys are correct.' },
  rejecting: { tone: 'act', sentence: 'mediQuo refuses every patient alike. Changes wait, nothing is lost.' },
  'rate limited': {
    tone: 'look',
    sentence: 'mediQuo says that its limit is reached. Changes wait until it lets them.',
  },
}

/** Returns the connector's state at a glance. Pure. */
export function verdictOf(view: Judged): Verdict {
  const { tone, sentence } = judged(view)
  return { tone, badge: badges[tone], state: capital(view.status.state), sentence }
}

function judged(view: Judged): { readonly tone: Tone; readonly sentence: string } {
  const { status, healthy, trouble, isSlotSoonLost, driftRatio } = view
  const { state, reason, warnings, deadLetters } = status
  // 1. The state that a stuck process reports is stale.
  if (!healthy) return { tone: 'act', sentence: 'It is stuck: rows could be sent, and nothing has moved for minutes.' }
  const streams = isStreaming(state)
  if (isSlotSoonLost)
    return { tone: 'act', sentence: 'The replication slot is about to be lost: every row would have to be read again.' }
  // 2. It streams, but nothing arrives.
  if (streams && trouble === 'outage' && reason === stateCannotBeWritten)
    return { tone: 'act', sentence: 'The state cannot be written. Changes wait, and are delivered once it can be.' }
  if (streams && trouble) return troubles[trouble]
  const usual = doing[state]
  // 3. It waits for something.
  if (state === 'starting' && reason !== null)
    return { tone: 'look', sentence: 'It cannot go on yet, and tries again.' }
  // 4. It works, but something needs attention.
  const isOdd = warnings.length > 0 || deadLetters > 0 || driftRatio > 0 || fallsBehind(view) || backfillStalls(view)
  if (isOdd && usual.tone !== 'act') return { ...usual, tone: 'look' }
  return usual
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
