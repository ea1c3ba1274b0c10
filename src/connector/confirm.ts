import type { Confirmations } from '../delivery/confirmations.ts'
import type { Pending } from '../pending/pending.ts'
import type { Parcel } from '../pending/version.ts'
import type { Resources } from '../startup/resources.ts'
import { differingAttributes } from '../verify/compare.ts'
import { getPatient } from './get-patient.ts'

export interface ConfirmOptions {
  readonly pending: Pending
  readonly confirmations: Confirmations<Parcel>
  readonly resources: Pick<Resources, 'client' | 'quotas' | 'clocks' | 'logger'>
  readonly signal: AbortSignal
  readonly onSendAgain: () => void
}

const atOnce = 8

/** Reads patients back until the API has what it accepted last, or what overtook it is sent over. @returns the work of a pump. */
export function createConfirm(options: ConfirmOptions): () => Promise<boolean> {
  const { pending, confirmations, resources, signal, onSendAgain } = options
  const { clocks, logger } = resources

  async function look(parcel: Parcel): Promise<void> {
    const found = await getPatient(resources, parcel.code, signal)
    if (!found) return
    const now = clocks.monotonicMs()
    if (found.kind === 'not now') return confirmations.postponed(parcel, now)
    const isThere = found.kind === 'patient' && differingAttributes(parcel.patient, found.attributes).length === 0
    const verdict = confirmations.seen(parcel, isThere, now)
    if (verdict === 'differs') logger.warn({ code: parcel.code }, 'mediQuo shows something else than it accepted')
    if (verdict === 'confirmed' || verdict === 'differs') pending.confirmed(parcel)
    if (verdict !== 'send again') return
    logger.warn({ code: parcel.code }, 'an older request was applied after a newer one, sending again')
    pending.overtaken(parcel)
    onSendAgain()
  }

  return async () => {
    const due = confirmations.due(clocks.monotonicMs(), atOnce)
    await Promise.all(due.map(look))
    return due.length === atOnce
  }
}
