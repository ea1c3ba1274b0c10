import type { Store } from '../checkpoint/store.ts'
import { type EndingCode, findRemoval, isUnsubscribed } from '../delivery/removals.ts'
import type { WakeUp } from '../lifecycle/wake-up.ts'
import type { PatientCode } from '../model/patient.ts'
import type { RowKey } from '../model/row.ts'
import type { Pending } from '../pending/pending.ts'
import type { Resources } from '../startup/resources.ts'
import { getPatient } from './get-patient.ts'

export interface PumpOptions {
  readonly pending: Pending
  readonly store: Store
  readonly resources: Pick<Resources, 'client' | 'quotas'>
  readonly bells: Readonly<Record<'read' | 'resolve' | 'dispatch' | 'record', WakeUp>>
  readonly signal: AbortSignal
  /** Whether the API may not have applied yet what it accepted of a code last. */
  readonly isRecent: (code: PatientCode) => boolean
}

const lookUpAtOnce = 1_000
const resolveAtOnce = 8

/** Row versions that wait for something before they can be sent, each kind with its own work. Each returns whether to go on at once. */
export function createPumps(options: PumpOptions) {
  const { pending, store, resources, bells, signal, isRecent } = options

  /** What the state knows of rows that have just arrived. */
  async function lookUp(): Promise<boolean> {
    const asked = pending.toLookUp(lookUpAtOnce)
    if (asked.length === 0) return false
    const found = await store.lookUp(asked.map(({ key }) => key))
    for (const row of asked) pending.lookedUp(row, found.get(row.key) ?? null)
    for (const bell of [bells.dispatch, bells.read, bells.resolve]) bell.ring()
    if (pending.unrecorded >= lookUpAtOnce) bells.record.ring()
    return true
  }

  /**
   * Whether another row has the code by the state and what memory knows beyond it. Asked twice before it is believed: what
   * was stored while the first answer was on its way may be gone from memory.
   */
  async function isHeld(code: PatientCode, key: RowKey): Promise<boolean> {
    const holders = (await store.holdersOf([code])).get(code) ?? []
    return holders.some((holder) => holder !== key && pending.mayHold(code, holder))
  }

  /** Codes that end: the full record to unsubscribe them with, several at a time. */
  async function resolveRemovals(): Promise<boolean> {
    const ending = pending.toResolve(resolveAtOnce)
    const resolved = await Promise.all(ending.map(resolveRemoval))
    return resolved.includes(true)
  }

  async function resolveRemoval(ending: EndingCode): Promise<boolean> {
    const end = await findRemoval(ending, {
      isHeld: async (code, key) =>
        pending.isClaimed(code, key) || ((await isHeld(code, key)) && (await isHeld(code, key))),
      get: async (code) => {
        const found = await getPatient(resources, code, signal)
        if (!found) return { kind: 'not now' }
        // Accepted, and not there or unsubscribed as before: it is still to be applied, and must be ended then.
        const isGone = found.kind === 'absent' || (found.kind === 'patient' && isUnsubscribed(found.attributes))
        return isGone && isRecent(code) ? { kind: 'not now' } : found
      },
    })
    if (end === undefined) return false
    pending.resolved(ending.key, { ...end, code: ending.code })
    bells.dispatch.ring()
    return true
  }

  return { lookUp, resolveRemovals }
}
