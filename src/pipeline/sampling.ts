import { wait } from '../lifecycle/wait.ts'
import type { CompiledMapping } from '../mapping/compile.ts'
import { ConnectorError } from '../model/failure/connector-error.ts'
import type { Patient, PatientCode } from '../model/patient/patient.ts'
import type { Lsn } from '../model/source/lsn.ts'
import type { RowKey } from '../model/source/row.ts'
import type { TableReader } from '../source/table/table-reader.ts'
import { getPatient } from '../startup/api/get-patient.ts'
import type { Resources } from '../startup/resources.ts'
import type { FoundAttributes } from '../verify/compare.ts'
import type { RowVerdict } from '../verify/row-verdict.ts'
import { verifyRows } from '../verify/verify-rows.ts'
import { readBackOptions } from './read-back.ts'

export interface SamplingOptions {
  readonly reader: TableReader
  readonly mapping: CompiledMapping
  readonly fingerprint: (patient: Patient) => string
  readonly resources: Pick<Resources, 'settings' | 'state' | 'api' | 'telemetry' | 'runtime'>
  readonly core: { view(): { readonly unsubscriptions: number; readonly durableLsn: Lsn } }
  /** Returns true if this instance has the slot: only then does it read back. */
  readonly isActive: () => boolean
}

/** Keys that one query draws; each row is read only when its turn comes. */
const drawnAtOnce = 100
/** Pause after a failure, milliseconds: the component that failed is busy. */
const restMs = 30_000
/** Requests of the budget that a sample always leaves, if that is more than half of it: codes to be unsubscribed need as many at a time. */
const leftForRemovals = 8

/** Returns true if a sample may use a GET: it must never use one that unsubscribing a code may need. */
export function mayReadBack(now: {
  readonly mustResolve: boolean
  readonly requestsLastMinute: number
  readonly requestsPerMinute: number
}): boolean {
  const left = now.requestsPerMinute - now.requestsLastMinute
  return !now.mustResolve && left > Math.max(leftForRemovals, now.requestsPerMinute / 2)
}

/**
 * Reads delivered rows back, at most `verify.samplePerMinute` per minute, one at a time, and reports differences. It never rejects:
 * the pipeline continues whatever fails. @returns the loop, which ends when the signal aborts.
 */
export function createSampling(options: SamplingOptions): (signal: AbortSignal) => Promise<void> {
  const { reader, core, isActive, resources } = options
  const { settings, state, api, telemetry, runtime } = resources
  const { clocks } = runtime
  const { samplePerMinute } = settings.verify
  let keys: RowKey[] = []

  async function sample(signal: AbortSignal): Promise<void> {
    if (keys.length === 0) keys = await state.store.sampleDelivered(drawnAtOnce)
    const key = keys.pop()
    if (key === undefined) return
    const found = await reader.byKey([key])
    // The row is gone, or the row filter leaves it out: this is no drift.
    if (found.rows.size === 0) return
    for (const verdict of await verifyRows(found, readBack(options, signal))) report(verdict, telemetry)
  }

  return async (signal) => {
    if (samplePerMinute === 0) return
    while (!signal.aborted) {
      const beganAtMs = clocks.monotonicMs()
      const mustResolve = core.view().unsubscriptions > 0
      const { requestsPerMinute } = settings.mediquo.limits
      const requestsLastMinute = api.quotas.get.lastMinute
      try {
        if (isActive() && mayReadBack({ mustResolve, requestsLastMinute, requestsPerMinute })) await sample(signal)
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof NotNowError)) telemetry.logger.warn({ error }, 'a delivered row could not be verified')
        await wait(error instanceof NotNowError ? Math.max(error.ms, restMs) : restMs, signal)
      }
      await wait(Math.max(0, 60_000 / samplePerMinute - (clocks.monotonicMs() - beganAtMs)), signal)
    }
  }
}

/** The API does not answer, or limits the rate: delivery handles that. */
class NotNowError extends ConnectorError {
  override readonly name = 'NotNowError'
  readonly ms: number
  constructor(ms: number) {
    super('read deferred', 'the API does not answer a read now')
    this.ms = ms
  }
}

function readBack(options: SamplingOptions, signal: AbortSignal) {
  const { reader, mapping, fingerprint, core, resources } = options
  const { store } = resources.state
  const get = async (code: PatientCode): Promise<FoundAttributes | null> => {
    const found = await getPatient(resources.api, code, signal)
    if (!found) throw new NotNowError(0)
    if (found.kind === 'not now') throw new NotNowError(found.outcome.kind === 'pause' ? found.outcome.ms : 0)
    return found.kind === 'patient' ? found.attributes : null
  }
  const hasSettled = async (lsn: Lsn) => core.view().durableLsn >= lsn
  return readBackOptions({
    reader,
    mapping,
    api: { get, getsAtOnce: 1 },
    applyDelaysMs: resources.runtime.intervals.applyDelaysMs,
    state: { store, fingerprint, hasSettled },
    signal,
  })
}

function report(verdict: RowVerdict, { metrics, logger, drift }: Resources['telemetry']): void {
  if (verdict.kind === 'not sendable' || verdict.kind === 'not compared') return
  const { kind: result, code } = verdict
  metrics.verified.inc({ result })
  drift.add(result)
  if (verdict.kind === 'different')
    logger.warn({ code, attributes: verdict.attributes }, 'mediQuo holds something else than was delivered')
  if (verdict.kind === 'missing') logger.warn({ code }, 'mediQuo does not know a patient that was delivered')
}
