import { backOffMs } from '../lifecycle/back-off.ts'
import { wait } from '../lifecycle/wait.ts'
import type { PatientCode } from '../model/patient/patient.ts'
import type { Lsn } from '../model/source/lsn.ts'
import type { RowKey } from '../model/source/row.ts'
import { readBackOptions } from '../pipeline/read-back.ts'
import { createSharedBudget } from '../pipeline/recent-requests.ts'
import { codeOfRow } from '../pipeline/row-mapping.ts'
import { TableReader } from '../source/table/table-reader.ts'
import { apiTrouble } from '../startup/api/check-api.ts'
import { createFingerprint } from '../startup/fingerprint.ts'
import { findCheckpoint } from '../startup/identity/found-identity.ts'
import { findSource, readableOf } from '../startup/prepare.ts'
import { checkFailed } from '../startup/requirements/check-failed.ts'
import type { Resources } from '../startup/resources.ts'
import type { FoundAttributes } from '../verify/compare.ts'
import type { RowVerdict } from '../verify/row-verdict.ts'
import { type Selection, selectRows } from '../verify/selection.ts'
import { verifyRows } from '../verify/verify-rows.ts'

/** Maximum number of consecutive requests that the API leaves unanswered. */
const maxFailures = 5
const getsAtOnce = 4
const lookEveryMs = 500
const knownAtOnce = 1_000

export interface VerificationOptions {
  readonly selection: Selection
  /** True if a connector has been started before, so that the state exists. */
  readonly isStarted: boolean
  readonly signal: AbortSignal
}

/**
 * Compares the selected rows with mediQuo's patients, with or without a running connector. It writes nothing, and counts the connector's
 * requests towards its own quota.
 * @throws {ConnectorError} the problem at either end.
 */
export async function* verifySource(
  resources: Resources,
  { selection, isStarted, signal }: VerificationOptions,
): AsyncGenerator<readonly RowVerdict[]> {
  const { settings, api, runtime } = resources
  const { store } = resources.state
  const source = await findSource(resources)
  const checkpoint = isStarted ? await findCheckpoint(resources, source.table) : null
  const { mapping } = source
  // Nothing follows the stream here: on a standby, WAL that was received counts as passed.
  const passed = source.server.isStandby ? async () => {} : null
  const reader = new TableReader(resources.source.pool, readableOf(resources, source), { passed, flushed: null })
  const budget = createSharedBudget(api.quotas, settings.mediquo.limits)
  const state = checkpoint && {
    store,
    fingerprint: createFingerprint(settings, checkpoint, mapping),
    hasSettled: createSettledWatch(resources, signal),
  }
  const { applyDelaysMs } = runtime.intervals
  const get = (code: PatientCode) => getInTurn(resources, { code, next: () => budget.next(signal), signal })
  const options = readBackOptions({ reader, mapping, api: { get, getsAtOnce }, applyDelaysMs, state, signal })
  const rows = selectRows(selection, {
    reader,
    knownKeys: async (codes) => (checkpoint ? await knownKeys(resources.state, codes) : []),
    codeOf: (row) => codeOfRow(row, mapping),
  })
  for await (const found of rows) {
    if (signal.aborted) return
    if (checkpoint) budget.count((await store.load())?.recentRequests ?? [])
    yield await verifyRows(found, options)
  }
}

async function knownKeys({ store }: Resources['state'], codes: readonly PatientCode[]): Promise<RowKey[]> {
  const keys: RowKey[] = []
  for (let after: RowKey | null = null; ; ) {
    const found: RowKey[] = await store.backfillRuns.rowsAfter(after, knownAtOnce, codes)
    keys.push(...found)
    if (found.length < knownAtOnce) return keys
    after = found.at(-1) ?? null
  }
}

/** Waits until the checkpoint passes a position. After a wait without any progress, as without a connector, it does not wait again. */
function createSettledWatch(
  { state: { store }, runtime: { clocks, intervals } }: Resources,
  signal: AbortSignal,
): (lsn: Lsn) => Promise<boolean> {
  let mayMove = true
  return async (lsn) => {
    const checkpointLsn = async () => (await store.load())?.lsn ?? null
    const first = await checkpointLsn()
    const until = clocks.monotonicMs() + (mayMove ? intervals.settlingMs : 0)
    for (let now = first; ; now = await checkpointLsn()) {
      if (now === null || now >= lsn) return true
      if (now !== first) mayMove = true
      else if (clocks.monotonicMs() >= until) mayMove = false
      if (clocks.monotonicMs() >= until || signal.aborted) return false
      await wait(lookEveryMs, signal)
    }
  }
}

interface Turn {
  readonly code: PatientCode
  readonly next: () => ReturnType<Resources['api']['quotas']['get']['next']>
  readonly signal: AbortSignal
}

/**
 * Gets patients with limited concurrency.
 * @throws {ConnectorError} if the API rejects the keys, or answers nothing repeatedly. @throws once the signal aborts.
 */
async function getInTurn(
  { api, settings }: Pick<Resources, 'api' | 'settings'>,
  { code, next, signal }: Turn,
): Promise<FoundAttributes | null> {
  for (let failures = 1; ; failures++) {
    const permit = await next()
    if (!permit) throw signal.reason
    const { outcome: found, remaining } = await api.client.get(code, signal)
    permit.answered(remaining)
    if (found.kind === 'patient') return found.attributes
    if (found.kind === 'absent') return null
    const { outcome } = found
    if (signal.aborted) throw signal.reason
    if (outcome.kind === 'halt' || failures === maxFailures) throw checkFailed([apiTrouble(outcome, settings)])
    await wait(
      outcome.kind === 'pause' ? outcome.ms : backOffMs(failures, Math.random(), { baseMs: 500, maxMs: 10_000 }),
      signal,
    )
  }
}
