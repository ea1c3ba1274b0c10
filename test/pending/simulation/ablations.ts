import { code, key } from '../rows.ts'
import type { Patch } from './patched-source.ts'
import type { Profile } from './profile.ts'
import type { Rules } from './simulation.ts'
import type { Letter } from './source-table.ts'

/** A rule of MERGE that is taken out, and the promise that breaks: C1 both ends agree, C2 nothing goes back, C3 nothing is passed over. */
export interface Ablation {
  readonly name: string
  readonly breaks: readonly string[]
  readonly patches?: readonly Patch[]
  readonly rules?: Partial<Rules>
  /** Worlds in which it shows sooner. */
  readonly profile?: Partial<Profile>
}

const merge = 'pending/merge.ts'
const patch = (file: string, find: string, replace: string): readonly Patch[] => [{ file, find, replace }]
const anyPromise = ['C1', 'C2', 'C3'] as const
const noMoves = { codesMove: false }
const letters = (of: string) => [...of] as Letter[]
/** Two rows whose codes move. */
const twoRows = {
  codesMove: true,
  onDelete: 'unsubscribe',
  slotLosses: 0,
  keys: ['1', '2'].map(key),
  codes: ['a', 'b', 'c'].map(code),
  transactions: 4,
  steps: 100,
} as const

/** One row that changes again and again, and a crash. */
const oneRow = {
  codesMove: false,
  onDelete: 'unsubscribe',
  slotLosses: 0,
  start: 'known',
  keys: ['1'].map(key),
  codes: ['a'].map(code),
  letters: letters('ABC'),
  transactions: 4,
  incomplete: 0,
  reads: 0,
  crashes: 1,
  faults: 0,
  steps: 100,
} as const

/** The rules whose absence a few thousand worlds show, those of the model and ours. */
export const ablations: readonly Ablation[] = [
  {
    name: 'rule 4: a read is never too old',
    breaks: anyPromise,
    patches: patch(merge, 'known?.xid != null && !sees(snapshot, known.xid)', 'false'),
    profile: noMoves,
  },
  {
    name: 'rule 4: known from memory only',
    breaks: anyPromise,
    patches: patch(merge, 'const known = newestKnown(entry)', 'const known = entry.known'),
    profile: noMoves,
  },
  {
    name: 'rule 4: known from the state only',
    breaks: anyPromise,
    patches: patch(merge, 'const known = newestKnown(entry)', 'const known = entry.stored'),
    profile: noMoves,
  },
  {
    name: 'rule 3c: a change that a read contains is sent all the same',
    breaks: ['C2'],
    patches: patch(merge, 'if (entry.read && sees(entry.read.snapshot, xid)) {', 'if (entry.read && xid < 0n) {'),
    profile: noMoves,
  },
  {
    name: 'rule 3c: it settles at once instead of joining',
    breaks: ['C3'],
    patches: patch(
      merge,
      'const holder = entry.waiting ?? entry.inFlight\n    if (holder) {',
      'const holder = entry.inFlight\n    if (holder && !entry.inFlight) {',
    ),
    profile: noMoves,
  },
  {
    name: 'rule 5: absent rows are ignored',
    breaks: ['C1', 'C3'],
    patches: patch(merge, '(isEnd(found.content) && !isOurs)', 'isEnd(found.content)'),
    profile: noMoves,
  },
  {
    name: 'rule 4: a read is labelled with its own position',
    breaks: ['C3', 'C1'],
    patches: patch(merge, 'position: known?.position ?? null,', 'position: { commitLsn: found.endLsn, ordinal: 0 },'),
    profile: noMoves,
  },
  {
    name: 'coalescing cancels the older debt',
    breaks: ['C3'],
    patches: patch(
      'pending/entries.ts',
      'version.debt = this.#debts.join(entry.waiting.debt, version.debt)',
      'if (entry.waiting.debt) this.#debts.settle(entry.waiting.debt)',
    ),
    profile: noMoves,
  },
  {
    name: 'rule 7: the end of a row unknown to the state is not sent',
    breaks: anyPromise,
    patches: patch(
      'pending/next-step.ts',
      "case 'removed': {",
      "case 'removed': {\n      if (stored === null) return { kind: 'settle', outcome: 'nothing to remove' }",
    ),
    // Unknown, and not new to mediQuo: another row left its code to this one.
    profile: { ...twoRows, start: 'known', crashes: 0 },
  },
  {
    name: 'rule 1: no wait for the slot gap',
    breaks: ['C1', 'C2', 'C3'],
    patches: patch('connector/table-reads.ts', 'if (gapXid === null) return true', 'return true'),
    profile: { ...noMoves, start: 'first run', before: 2 },
  },
  {
    name: 'rule 2: two reads at once',
    breaks: anyPromise,
    rules: { readsAtOnce: 2 },
    profile: { ...noMoves, reads: 3 },
  },
  {
    name: 'ours: nothing is noted before a request leaves',
    breaks: anyPromise,
    patches: patch('pending/batches.ts', 'if (intended) entries.store(entry, intended)', ''),
    profile: { ...noMoves, crashes: 1 },
  },
  {
    name: 'ours: what a backfill claims is done once it is merged',
    breaks: anyPromise,
    patches: patch(
      'pending/reads.ts',
      '      entries.replace(entry, version)\n',
      '      const { claim } = version\n      version.claim = null\n      entries.claim({ ...entry, waiting: null, inFlight: null }, claim)\n      entries.replace(entry, version)\n',
    ),
    profile: { ...noMoves, start: 'first run', crashes: 1 },
  },
  {
    name: 'ours: a row that is read is not kept in memory until it is merged',
    breaks: [...anyPromise, 'error'],
    patches: patch(
      'pending/entries.ts',
      'entry.read || entry.expected || entry.unrecorded',
      'entry.read || entry.unrecorded',
    ),
    profile: noMoves,
  },
  {
    name: 'ours: a row in flight loses its turn for the code that it has next',
    breaks: ['C2'],
    patches: patch('pending/queues.ts', 'return waiting ?? inFlight', 'return waiting'),
    profile: { ...twoRows, start: 'known', reads: 0, crashes: 0, letters: letters('ABF') },
  },
  {
    name: 'ours: of two rows with one code the newer leaves first',
    breaks: anyPromise,
    patches: patch('pending/queues.ts', 'isOlder(theirs, waiting)', 'isOlder(waiting, theirs)'),
    profile: { ...twoRows, start: 'known' },
  },
  {
    name: 'ours: a code that is left to another row counts as ended',
    breaks: anyPromise,
    patches: [
      ...patch('pending/settled-row.ts', 'code: isLeft ? null : code', 'code'),
      ...patch('pending/settled-row.ts', "entry.removal?.kind === 'left'", 'false'),
    ],
    profile: { ...twoRows, start: 'known', reads: 0, crashes: 0 },
  },
  {
    name: 'rule 9: nothing is held after a restart',
    breaks: anyPromise,
    patches: patch('pending/pending.ts', 'held: options.horizon !== null', 'held: false'),
    profile: oneRow,
  },
  {
    name: 'rule 9: H does not rise to what was received',
    breaks: anyPromise,
    patches: patch('checkpoint/horizon.ts', 'later(this.#received(), ', 'later(null, '),
    profile: oneRow,
  },
  {
    name: 'rule 9: H does not cover P',
    breaks: anyPromise,
    patches: patch('checkpoint/horizon.ts', 'lastBefore(this.#readTo())', 'null'),
    profile: { ...oneRow, reads: 3 },
  },
  {
    name: 'forgetting: a tombstone once it is settled',
    breaks: anyPromise,
    rules: { forgets: 'what is settled' },
    profile: { ...oneRow, reads: 3 },
  },
  {
    name: 'forgetting: a tombstone once it is stored',
    breaks: anyPromise,
    rules: { forgets: 'what is stored' },
    profile: { ...oneRow, reads: 3 },
  },
  {
    name: 'rule 4: a live version that waits wins, and the read is remembered',
    breaks: anyPromise,
    patches: patch(
      merge,
      '  const version: Version = {\n    content: inherit(found.content',
      "  if (waiting?.origin === 'stream') return { stale, version: null }\n  const version: Version = {\n    content: inherit(found.content",
    ),
    profile: { ...oneRow, reads: 3, crashes: 0 },
  },
]
