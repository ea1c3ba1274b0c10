import type { View } from '../../../src/pipeline/core/view.ts'
import type { World } from '../world/world.ts'
import type { EffectOf } from './handlers.ts'

/** P1: stored first, then acknowledged; each only rises, and a position is never inside of a commit record. */
export function acknowledgements(world: World, view: () => View): (effect: EffectOf['acknowledge']) => void {
  let newest = 0n
  return ({ lsn }) => {
    const { state, table } = world
    const { settledLsn } = view()
    const { commits } = table
    if (lsn > BigInt(state.lsn)) world.fail(`P1: ${lsn} is acknowledged, ${state.lsn} is stored`)
    if (lsn > settledLsn) world.fail(`P1: ${lsn} is acknowledged, ${settledLsn} is settled`)
    if (lsn < newest) world.fail(`P1: ${lsn} is acknowledged after ${newest}`)
    if (commits.some(({ commitLsn, endLsn }) => commitLsn < lsn && lsn < endLsn))
      world.fail(`P1: ${lsn} is acknowledged, which is inside of a commit record`)
    newest = lsn
  }
}
