import type { Respelling } from '../patient/spelling.ts'
import type { ProblemKind } from './problem-kind.ts'

/** Facts about a slot that may be lost. */
export interface SlotFacts {
  readonly slot: string
  readonly retainedBytes: number
  readonly lagBytes: number
  /** Bytes of WAL until the server may invalidate the slot; null: no limit. */
  readonly safeBytes: number | null
  /** Growth of the retained WAL; null: not known yet. */
  readonly bytesPerSecond: number | null
  readonly secondsUntilLost: number | null
  /** Limit that is reached first: `max_slot_wal_keep_size`, or `idle_replication_slot_timeout`. */
  readonly limit: 'size' | 'idle' | null
  readonly secondsToDrain: number | null
  /** Reason why nothing is delivered; null: there is none. */
  readonly reason: string | null
  readonly onSlotLost: 'backfill' | 'stop'
}

/** Facts about writes of the application that PostgreSQL refuses because of a publication. */
export interface RefusedWriteFacts {
  readonly operation: 'UPDATE' | 'DELETE'
  /** Table, partition or child table that refuses it, as an SQL name. */
  readonly refusingTable: string
  readonly publication: string
  /** Text of the server. */
  readonly reason: string
  /** Action of the connector: see `Relief`. */
  readonly relief: 'fitted' | 'stopped' | 'none'
  /** Statements that fix the table, and that end the publication of updates and deletes. */
  readonly fix: string
  readonly stopStatement: string
}

interface Reason {
  readonly reason: string | null
}

/** Facts of each kind: figures, names and the reason of a failure. They contain no value of a row. */
interface FactsOf {
  'writes refused': RefusedWriteFacts
  stuck: Reason
  'slot being lost': SlotFacts
  'slot soon lost': SlotFacts
  blocked: Reason
  'keys refused': Reason
  'every patient refused': Reason
  'store not writable': Reason
  'database not readable': Reason
  'not ready': Reason
  'API down': Reason
  'success not proven': Reason
  'told to wait': Reason
  'unexpected success': Reason
  'rate limited': Reason
  'reads unanswered': Reason
  standstill: { readonly seconds: number }
  'slot will be lost': SlotFacts
  'slot retains WAL': SlotFacts
  'child tables': { readonly children: readonly string[]; readonly parent: string }
  'orphaned slot': { readonly slot: string; readonly retainedBytes: number; readonly dropStatement: string }
  drift: { readonly ratio: number }
  'falls behind': { readonly secondsToDrain: number }
  'store went back': { readonly rowsRead: number; readonly rowsEstimated: number }
  'backfill stalled': { readonly rowsRead: number; readonly rowsEstimated: number }
  'shared codes': { readonly codes: number }
  /** `alike`: codes whose form at mediQuo is the code of another row. */
  'codes respelled': { readonly codes: number; readonly differences: readonly Respelling[]; readonly alike: number }
  'mapping outdated': { readonly rows: number | null; readonly deadLetters: number | null }
  'dead letters': { readonly rows: number }
}

/** Something that is wrong at present, as facts. `problemText` renders it. */
export type Problem<Kind extends ProblemKind = ProblemKind> = {
  readonly [K in Kind]: { readonly kind: K; readonly facts: FactsOf[K] }
}[Kind]

/** A problem, and the time at which it was first seen. */
export interface RaisedProblem {
  readonly problem: Problem
  readonly sinceMs: number
}

/** Identifies a problem while it lasts, whatever its figures are. */
export function problemKey({ kind, facts }: Problem): string {
  return 'slot' in facts ? `${kind} ${facts.slot}` : kind
}
