import type { StoredRow } from '../../../src/model/progress/stored-row.ts'
import type { Simulation } from './simulation.ts'

/** Returns rows whose removal the store may forget, or the transaction of their last change (docs/internals/merge-rules.md, Forgetting). */
export function forgettable({ world, rules, strays }: Simulation): StoredRow[] {
  const { state, table, openReads } = world
  // A removal is kept for an hour at least: a request of it is over by then.
  if (!strays.isEmpty) return []
  const seen = [table.snapshot(), ...openReads].map(({ xmin }) => xmin)
  return [...state.rows.values()].filter(({ deadLetter, removed, xid, position, owed, formerCodes }) => {
    if (deadLetter || owed || formerCodes.length > 0 || (!removed && xid === null)) return false
    if (rules.forgets === 'what is settled') return removed
    if (rules.forgets === 'what is stored') return removed && (position === null || position.commitLsn < state.lsn)
    return xid === null || seen.every((xmin) => xid < xmin)
  })
}

export function forget({ world }: Simulation, row: StoredRow): void {
  world.note(
    () =>
      `the state forgets ${row.removed ? 'that' : 'in which transaction'} ${row.key} was ${row.removed ? 'removed' : 'changed'}`,
  )
  if (row.removed) world.state.rows.delete(row.key)
  else world.state.rows.set(row.key, { ...row, xid: null })
}
