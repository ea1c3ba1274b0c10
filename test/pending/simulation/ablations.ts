import type { Patch } from './patched-source.ts'
import type { Profile } from './profile.ts'
import type { Rules } from './simulation.ts'

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

/** The rules whose absence a few thousand worlds show, those of the model and ours. */
export const ablations: readonly Ablation[] = [
  {
    name: 'rule 4: a read is never too old',
    breaks: anyPromise,
    patches: patch(merge, 'known?.xid != null && !sees(found.snapshot, known.xid)', 'false'),
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
    patches: patch(merge, "(found.content.kind === 'removed' && !isOurs)", "found.content.kind === 'removed'"),
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
    profile: { ...noMoves, onDelete: 'unsubscribe' },
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
]
