import type { Problem, RefusedWriteFacts, SlotFacts } from '../../model/problem/problem.ts'
import { type ProblemKind, problemKinds } from '../../model/problem/problem-kind.ts'
import { type ConnectorState, type DeliveryTrouble, isStreaming } from '../../model/status/status.ts'
import type { LeftSlot } from '../../source/slot/left-slots.ts'
import type { SlotVerdict } from '../../source/slot/slot-forecast.ts'
import type { LastingFailures } from '../database-failures.ts'

/** Facts of one moment from which the problems follow. */
export interface ProblemFacts {
  readonly state: ConnectorState
  /** Reason of the state, apart from a trouble of the delivery. */
  readonly reason: string | null
  /** Write of the application that the publication makes fail, or did until a moment ago. */
  readonly refusedWrite: RefusedWriteFacts | null
  /** True once the process is stuck. */
  readonly isStuck: boolean
  readonly trouble: { readonly kind: DeliveryTrouble; readonly reason: string } | null
  readonly databaseFailures: LastingFailures
  readonly slot: { readonly verdict: SlotVerdict; readonly facts: SlotFacts } | null
  readonly leftSlots: readonly LeftSlot[]
  /** Tables whose rows are not delivered, because they only inherit from the table. */
  readonly childTables: Problem<'child tables'>['facts']
  /** Time for which nothing has been settled although something could be; null: not too long. */
  readonly standstillSeconds: number | null
  /** Share of the rows recently read back that differed from the delivered content, 0 to 1. */
  readonly driftRatio: number
  readonly secondsToDrain: number | null
  readonly backfill: { readonly hasStalled: boolean; readonly rowsRead: number; readonly rowsEstimated: number }
  /** How far the rows are read again after the store went back; null: it did not. */
  readonly storeReread: Problem<'store went back'>['facts'] | null
  readonly sharedCodes: number
  /** Reason why reads of patients have failed repeatedly for a minute; null: they have not. */
  readonly failingReads: string | null
  /** Codes that mediQuo returns in another form than they were sent; null: none. */
  readonly respelledCodes: Problem<'codes respelled'>['facts'] | null
  /** Rows that were sent under another mapping and are not sent again; null: none. */
  readonly outdatedRows: Problem<'mapping outdated'>['facts'] | null
  readonly deadLetters: number
}

/** Time to send what waits, seconds: beyond it, delivery has fallen behind. */
const maxDrainSeconds = 600

const slotProblems = {
  holding: 'slot retains WAL',
  'will be lost': 'slot will be lost',
  'soon lost': 'slot soon lost',
  'being lost': 'slot being lost',
} as const satisfies Record<Exclude<SlotVerdict, 'fine'>, ProblemKind>

const troubleProblems = {
  outage: 'API down',
  'store outage': 'store not writable',
  halted: 'keys refused',
  rejecting: 'every patient refused',
  'unproven success': 'success not proven',
  'unexpected success': 'unexpected success',
  'told to wait': 'told to wait',
  'rate limited': 'rate limited',
} as const satisfies Record<DeliveryTrouble, ProblemKind>

/** Troubles that concern every request: they explain why patients cannot be read back either. */
const explainsReads: Readonly<Record<DeliveryTrouble, boolean>> = {
  outage: true,
  'store outage': false,
  halted: true,
  rejecting: false,
  'unproven success': false,
  'unexpected success': false,
  'told to wait': true,
  'rate limited': true,
}

/** Returns the problems of a moment, the worst first. Pure. */
export function collectProblems(facts: ProblemFacts): readonly Problem[] {
  const { state, reason, slot, secondsToDrain, backfill } = facts
  // Another instance delivers: what kept this one from sending no longer counts.
  const trouble = state === 'standby' ? null : facts.trouble
  const problems: Problem[] = []
  if (facts.refusedWrite) problems.push({ kind: 'writes refused', facts: facts.refusedWrite })
  if (facts.isStuck) problems.push({ kind: 'stuck', facts: { reason: reason ?? trouble?.reason ?? null } })
  if (state === 'blocked') problems.push({ kind: 'blocked', facts: { reason } })
  if (state === 'starting' && reason !== null) problems.push({ kind: 'not ready', facts: { reason } })
  if (trouble) problems.push({ kind: troubleProblems[trouble.kind], facts: { reason: trouble.reason } })
  if (facts.failingReads !== null && isStreaming(state) && !(trouble && explainsReads[trouble.kind]))
    problems.push({ kind: 'reads unanswered', facts: { reason: facts.failingReads } })
  problems.push(...databaseProblems(facts))
  if (slot && slot.verdict !== 'fine') problems.push({ kind: slotProblems[slot.verdict], facts: slot.facts })
  if (facts.childTables.children.length > 0) problems.push({ kind: 'child tables', facts: facts.childTables })
  problems.push(...facts.leftSlots.map(orphanedSlot))
  if (facts.standstillSeconds !== null)
    problems.push({ kind: 'standstill', facts: { seconds: facts.standstillSeconds } })
  if (facts.driftRatio > 0) problems.push({ kind: 'drift', facts: { ratio: facts.driftRatio } })
  // A trouble explains both of these.
  if (trouble === null && state === 'streaming' && secondsToDrain !== null && secondsToDrain > maxDrainSeconds)
    problems.push({ kind: 'falls behind', facts: { secondsToDrain } })
  if (trouble === null && state === 'backfilling' && backfill.hasStalled) {
    const { rowsRead, rowsEstimated } = backfill
    problems.push({ kind: 'backfill stalled', facts: { rowsRead, rowsEstimated } })
  }
  if (facts.storeReread) problems.push({ kind: 'store went back', facts: facts.storeReread })
  if (facts.sharedCodes > 0) problems.push({ kind: 'shared codes', facts: { codes: facts.sharedCodes } })
  if (facts.respelledCodes) problems.push({ kind: 'codes respelled', facts: facts.respelledCodes })
  if (facts.outdatedRows) problems.push({ kind: 'mapping outdated', facts: facts.outdatedRows })
  if (facts.deadLetters > 0) problems.push({ kind: 'dead letters', facts: { rows: facts.deadLetters } })
  return problems.toSorted((a, b) => problemKinds.indexOf(a.kind) - problemKinds.indexOf(b.kind))
}

function databaseProblems({ databaseFailures: { writes, reads }, trouble }: ProblemFacts): Problem[] {
  const problems: Problem[] = []
  // With rows that wait to be sent, the delivery has the trouble already.
  if (writes !== null && trouble?.kind !== 'store outage')
    problems.push({ kind: 'store not writable', facts: { reason: writes } })
  if (reads !== null) problems.push({ kind: 'database not readable', facts: { reason: reads } })
  return problems
}

export function orphanedSlot({ slot, retainedBytes, fix }: LeftSlot): Problem<'orphaned slot'> {
  return { kind: 'orphaned slot', facts: { slot, retainedBytes, dropStatement: fix } }
}
