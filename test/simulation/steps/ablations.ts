import type { Profile } from '../world/profile.ts'
import type { Letter } from '../world/source-table.ts'
import { codeOf, keyOf } from '../world/values.ts'
import type { Patch } from './patched-source.ts'
import type { Rules } from './simulation.ts'
import { steps } from './steps.ts'

/**
 * Ablation: a rule that is removed, and the promises of which one must break. C1: both ends agree. C2: no code goes back to an older
 * version. C3: no change is skipped. INTENT: a request is noted before it leaves. HALF: no half of a transaction is sent. MEMORY, LIVENESS,
 * STUCK: bounds hold, and work goes on.
 */
export interface Ablation {
  readonly name: string
  /** World in which a promise broke, which is tried first: after a change of the worlds another one is searched for. */
  readonly seed: number
  readonly breaks: readonly string[]
  readonly patches?: readonly Patch[]
  readonly rules?: Partial<Rules>
  /** Fixed properties of the world, with which the promise breaks sooner. */
  readonly profile?: Partial<Profile>
}

const merge = 'pending/entry/merge.ts'
const core = 'pipeline/core/core.ts'
const patch = (file: string, find: string, replace: string): readonly Patch[] => [{ file, find, replace }]
/** Any promise, whichever breaks first. A stall, an invariant of the core and a half transaction count as promises too. */
const anyPromise = ['C1', 'C2', 'C3', 'HALF', 'INTENT', 'STUCK', 'LIVENESS', 'error'] as const
const stalls = ['LIVENESS', 'STUCK', 'MEMORY'] as const
const letters = (of: string) => [...of] as Letter[]

const plenty = {
  rows: 1_000,
  bytes: 1_000_000,
  unloaded: 1_000,
  unsubscriptions: 1_000,
  recordFetches: 1_000,
  readBacks: 1_000,
  marks: 1_000,
}
/** Worlds in which only the merge can fail. */
const noMoves = { codesMove: false, sharesCodes: false, bounds: plenty, applyLater: 0 } as const

/** Two rows whose codes move. */
const twoRows = {
  codesMove: true,
  sharesCodes: false,
  onDelete: 'unsubscribe',
  slotLosses: 0,
  keys: ['1', '2'].map(keyOf),
  codes: ['a', 'b', 'c'].map(codeOf),
  transactions: 4,
  bounds: plenty,
} as const

/** Two rows that share their codes. */
const sharedCodes = { ...twoRows, sharesCodes: true, onDelete: 'ignore' } as const

/** One row that changes repeatedly, and a crash. */
const oneRow = {
  codesMove: false,
  onDelete: 'unsubscribe',
  slotLosses: 0,
  start: 'known',
  keys: ['1'].map(keyOf),
  codes: ['a'].map(codeOf),
  letters: letters('ABC'),
  transactions: 4,
  incomplete: 0,
  crashes: 1,
  faults: 0,
  bounds: plenty,
} as const

/** One row that changes repeatedly, and a link that goes half-open while requests are out. */
const twoWriters = { ...oneRow, cuts: 2, transactions: 6, steps: 200, stops: 0, streamLosses: 0, outage: null } as const
/**
 * The same, and requests of the instance that is cut off are still out when the other one sends: they are slow, and time hardly passes.
 * Without such weights one world in many thousands is like that.
 */
const requestsOutlive = {
  ...twoWriters,
  ...{ cuts: 1, crashes: 0, truncates: 0, applyLater: 0, unexpected: 0, wide: 0, hanging: null, slow: null },
  ...{ transactions: 8, steps: 300 },
  weights: weightsOf({
    ...{ arrive: 1, tick: 0.3, 'time passes': 0.2, drain: 0, 'an errand fails': 0, 'the link goes half-open': 3 },
    ...{ 'behind the half-open link: go on': 1, 'behind the half-open link: a request arrives': 0.3 },
    ...{ 'behind the half-open link: tick': 0.05, 'behind the half-open link: the process ends': 0.05 },
    ...{ 'behind the half-open link: the request comes back': 0 },
  }),
} as const

/** Returns the weight of each step: 4 unless another one is given by its name. */
function weightsOf(others: Readonly<Record<string, number>>): readonly number[] {
  const names = steps.map(({ name }) => name)
  for (const name of Object.keys(others)) if (!names.includes(name)) throw new Error(`no step has the name ${name}`)
  return names.map((name) => others[name] ?? 4)
}

/** A table that is truncated, and filled again under other keys. */
const truncated = {
  ...noMoves,
  onDelete: 'unsubscribe',
  slotLosses: 0,
  start: 'known',
  transactions: 4,
  truncates: 40,
} as const

/** Rows are read while the stream is behind, and no mark shows the content of a read. */
const readsOften = { start: 'first run', before: 2, incomplete: 30, bounds: { ...plenty, marks: 0 } } as const

/** Little memory. */
const tight = {
  bounds: { rows: 3, bytes: 1_000_000, unloaded: 2, unsubscriptions: 2, recordFetches: 1, readBacks: 1, marks: 1 },
  batchSize: 2,
  pageRows: 2,
  crashes: 0,
  letters: letters('AB'),
  keys: ['1', '2', '3', '4', '5', '6', '7', '8'].map(keyOf),
  codes: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map(codeOf),
  transactions: 6,
  changes: 16,
} as const

/** Rules whose absence a few thousand worlds show: those of the model and those of this project. */
export const ablations: readonly Ablation[] = [
  {
    name: 'rule 1: no wait for the slot gap',
    seed: 6,
    breaks: anyPromise,
    patches: patch(core, 'isSlotGapOpen: source.isSlotGapOpen', 'isSlotGapOpen: false'),
    profile: { ...noMoves, start: 'first run', before: 2 },
  },
  {
    name: 'rule 3c: it settles immediately instead of joining',
    seed: 19,
    breaks: ['C3'],
    patches: patch(
      merge,
      'const holder = entry.waiting ?? entry.inFlight\n    if (holder) {',
      'const holder = entry.inFlight\n    if (holder && !entry.inFlight) {',
    ),
    profile: noMoves,
  },
  {
    name: 'rule 3d: R forbids nothing',
    seed: 1_331,
    breaks: anyPromise,
    patches: patch(merge, 'policy.readLsn !== null && position.commitLsn < policy.readLsn', 'false'),
    profile: { ...oneRow, ...readsOften },
  },
  {
    name: 'rule 3d: R does not outlive a crash',
    seed: 744,
    breaks: anyPromise,
    patches: patch(core, 'horizon : null, readLsn }', 'horizon : null, readLsn: null }'),
    profile: { ...oneRow, ...readsOften, crashes: 2, streamLosses: 0, stops: 0, transactions: 6, steps: 200 },
  },
  {
    name: 'rule 4: a read is never too old',
    seed: 105,
    breaks: anyPromise,
    patches: patch(merge, 'known?.xid != null && !sees(snapshot, known.xid)', 'false'),
    profile: noMoves,
  },
  {
    name: 'rule 4: known from memory only',
    seed: 108,
    breaks: anyPromise,
    patches: patch(merge, 'const known = newestKnown(entry)', 'const known = entry.known'),
    profile: noMoves,
  },
  {
    name: 'rule 4: known from the store only',
    seed: 30,
    breaks: anyPromise,
    patches: patch(merge, 'const known = newestKnown(entry)', 'const known = entry.stored'),
    profile: noMoves,
  },
  {
    name: 'rule 4: a read is labelled with its own position',
    seed: 27,
    breaks: anyPromise,
    patches: patch(merge, 'position: known?.position ?? null,', 'position: { commitLsn: found.endLsn, ordinal: 0 },'),
    profile: noMoves,
  },
  {
    name: 'rule 5: absent rows are ignored',
    seed: 39,
    breaks: anyPromise,
    patches: patch(merge, '(isEnd(found.content) && !isKnown(entry))', 'isEnd(found.content)'),
    profile: noMoves,
  },
  {
    name: 'rule 7: nothing is noted before a request leaves',
    seed: 1,
    breaks: ['INTENT'],
    patches: patch('pending/queue/batches.ts', 'if (intended) entries.store(entry, intended)', ''),
    profile: noMoves,
  },
  {
    name: 'rule 7: the end of a row unknown to the store is not sent',
    seed: 4_092,
    breaks: anyPromise,
    patches: patch(
      'pending/entry/next-step.ts',
      "case 'removed': {",
      "case 'removed': {\n      if (stored === null) return { kind: 'settle', outcome: 'nothing to remove' }",
    ),
    // The row has no row record, but mediQuo has its code: another row left the code to it.
    profile: { ...twoRows, start: 'known', crashes: 0 },
  },
  {
    name: 'rule 7: an intent of an earlier process is believed',
    seed: 1_761,
    breaks: anyPromise,
    patches: patch(
      'delivery/confirmations.ts',
      'if (nowMs >= this.#earlierUntilMs) return false',
      'if (nowMs >= 0) return false',
    ),
    profile: oneRow,
  },
  {
    name: 'rule 7: what an earlier process sent of a code is believed of other rows',
    seed: 16_745,
    breaks: anyPromise,
    patches: patch('delivery/confirmations.ts', 'for (const code of codes) this.#lostEarlier.add(code)', ''),
    profile: { ...twoRows, crashes: 1 },
  },
  {
    name: 'rule 12a: the store does not make the other rows owed',
    seed: 103,
    breaks: anyPromise,
    patches: patch(
      'pipeline/core/record/recording.ts',
      'takenCodes: pending.takenCodes()',
      'takenCodes: { codes: [], inDoubt: [], accepted: [] }',
    ),
    profile: sharedCodes,
  },
  {
    name: 'rule 12a: rows in memory are not owed',
    seed: 626,
    breaks: anyPromise,
    patches: patch(
      'pending/entries.ts',
      'for (const other of this.#records.sharing(code, entry)) this.oweAgain(other, { accepted, isInDoubt })',
      '',
    ),
    profile: { ...sharedCodes, onDelete: 'unsubscribe', transactions: 8, steps: 300, crashes: 0, faults: 0 },
  },
  {
    name: 'rule 12a: a record that was asked for before is believed',
    seed: 6_050,
    breaks: anyPromise,
    patches: patch('pending/read/loads.ts', 'const isOutdated = entry.isOutdated', 'const isOutdated = false'),
    profile: { ...sharedCodes, transactions: 8, steps: 300, crashes: 0, faults: 0, slow: 'load records' },
  },
  {
    name: 'rule 8: a refused end of a former code rejects the version of its row',
    seed: 291,
    breaks: ['P5', ...anyPromise],
    patches: patch(
      'pending/answers.ts',
      "const isFormerCode = delivery.purpose === 'unsubscribe code'",
      'const isFormerCode = false',
    ),
  },
  {
    name: 'rule 8: a refused end of a former code is forgotten',
    seed: 291,
    breaks: anyPromise,
    patches: patch(
      'pending/entry/settled-row.ts',
      'const formerCodes = entry.refusedCodes',
      'const formerCodes = noCodes',
    ),
  },
  {
    name: 'rule 9: nothing is held after a restart',
    seed: 2_375,
    breaks: anyPromise,
    patches: patch(core, 'horizon: isAhead ? horizon : null,', 'horizon: null,'),
    profile: oneRow,
  },
  {
    name: 'rule 9: H does not rise',
    seed: 1,
    breaks: ['INTENT', ...anyPromise],
    patches: patch(
      'pipeline/core/record/recording.ts',
      'horizon: raisesHorizon ? later(this.#horizon, pending.sentTo) : null',
      'horizon: null',
    ),
    profile: oneRow,
  },
  {
    name: 'rule 11: nothing is owed when memory is full of what cannot leave',
    seed: 1,
    breaks: stalls,
    patches: patch('pipeline/core/stream/back-pressure.ts', '    this.#owe()\n', ''),
    profile: tight,
  },
  {
    name: 'rule 14c: R is not raised to the end of the WAL',
    seed: 629,
    breaks: anyPromise,
    rules: { distrusts: 'without R' },
    profile: { ...oneRow, storeLosses: 1, crashes: 0, streamLosses: 0, stops: 0, transactions: 6, steps: 200 },
  },
  {
    name: 'rule 15: a request leaves without a lease',
    seed: 6_667,
    breaks: ['C2', ...anyPromise],
    patches: patch('pipeline/core/record/lease.ts', 'nowMs <= this.#mayLeaveUntilMs &&', ''),
    profile: twoWriters,
  },
  {
    name: 'rule 15: an instance that takes over does not wait',
    seed: 24,
    breaks: ['C2', ...anyPromise],
    patches: patch(
      'pipeline/core/record/lease.ts',
      'this.#othersUntilMs = Math.max(this.#othersUntilMs, ms)',
      'this.#othersUntilMs = Math.min(this.#othersUntilMs, ms)',
    ),
    profile: requestsOutlive,
  },
  {
    name: 'rule 18: what is owed is not labelled with the newest change',
    seed: 341,
    breaks: anyPromise,
    patches: patch(
      'pending/entry/settled-row.ts',
      'const { position = null, xid = null } = newestKnown(entry) ?? {}\n  const code = stored?.code ?? null',
      'const { position = null, xid = null } = stored ?? {}\n  const code = stored?.code ?? null',
    ),
    profile: { ...tight, codesMove: false },
  },
  {
    name: 'rule 18d: what is read back clears what was owed since',
    seed: 67,
    breaks: anyPromise,
    patches: patch('pending/owing.ts', '    entry.doubt()\n', ''),
    profile: { ...tight, codesMove: false, faults: 8, crashes: 3, steps: 300 },
  },
  {
    name: 'coalescing cancels the older debt',
    seed: 1,
    breaks: ['C3'],
    patches: patch(
      'pending/entries.ts',
      'version.debt = this.#debts.join(older.debt, version.debt)',
      'if (older.debt) this.#debts.settle(older.debt)',
    ),
    profile: noMoves,
  },
  {
    name: 'a transaction is acted upon before its commit has arrived',
    seed: 49,
    breaks: ['HALF'],
    patches: patch('pending/queue/entry-scheduler.ts', 'this.#waitsForCommit(entry.waiting, step)', 'false'),
    profile: twoRows,
  },
  {
    name: 'a failed effect is tried again, and nobody wakes up for it',
    seed: 634,
    breaks: ['LIVENESS', 'STUCK'],
    patches: patch(
      'pipeline/core/retried.ts',
      'return this.#ticket === null && this.#notBeforeMs > nowMs ? this.#notBeforeMs : null',
      'return nowMs < 0 ? nowMs : null',
    ),
    profile: { ...noMoves, faults: 4, onDelete: 'ignore' },
  },
  {
    name: 'a success that is not documented is believed, whatever reading back shows',
    seed: 1,
    breaks: ['C1', 'C3'],
    patches: patch(
      'pipeline/core/delivery/settling.ts',
      'const missing = batch.filter((delivery) => !shown.has(delivery))',
      'const missing = shown.size < 0 ? batch : []',
    ),
    profile: { ...noMoves, unexpected: 60 },
  },
  {
    name: 'rule 19: a TRUNCATE requests nothing',
    seed: 6,
    breaks: anyPromise,
    patches: patch(
      'pipeline/core/stream/truncations.ts',
      'if (this.isReconciled) this.#toRecord = truncation',
      'if (!this.isReconciled) this.#toRecord = truncation',
    ),
    profile: truncated,
  },
  {
    name: 'rule 19: a read from before a TRUNCATE is merged',
    seed: 96,
    breaks: anyPromise,
    patches: patch(
      'pipeline/core/stream/truncations.ts',
      'if (this.#newest === null)',
      'if (this.#newest !== undefined)',
    ),
    profile: {
      ...truncated,
      truncates: 60,
      start: 'first run',
      before: 2,
      incomplete: 60,
      crashes: 0,
      faults: 0,
      slow: 'read rows',
    },
  },
  {
    name: 'rule 19: an empty table is one whose rows are gone',
    seed: 15,
    breaks: anyPromise,
    patches: patch('backfill/walk.ts', 'return this.#waitsForRows && this.foundNothing', 'return false'),
    profile: truncated,
  },
  {
    name: 'forgetting: a tombstone once it is settled',
    seed: 18_386,
    breaks: anyPromise,
    rules: { forgets: 'what is settled' },
    profile: { ...oneRow, start: 'slot lost' },
  },
]
