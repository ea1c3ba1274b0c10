import type { View } from '../../../src/pipeline/core/view.ts'
import type { World } from '../world/world.ts'
import type { EffectOf } from './handlers.ts'

/** Checks P1: a position is stored before it is acknowledged, neither position decreases, and none is inside a commit record. */
export function acknowledgements(world: World, view: () => View): (effect: EffectOf['acknowledge']) => void {
  let newest = 0n
  return ({ lsn }) => {
    const { state, table } = world
    const { settledLsn } = view()
    const { commits } = table
    // A store that went back lacks what was stored before.
    if (lsn > BigInt(state.lsn) && !world.isStoreOld) world.fail(`P1: ${lsn} is acknowledged, ${state.lsn} is stored`)
    if (lsn > settledLsn) world.fail(`P1: ${lsn} is acknowledged, ${settledLsn} is settled`)
    if (lsn < newest) world.fail(`P1: ${lsn} is acknowledged after ${newest}`)
    if (commits.some(({ commitLsn, endLsn }) => commitLsn < lsn && lsn < endLsn))
      world.fail(`P1: ${lsn} is acknowledged, which is inside of a commit record`)
    newest = lsn
    if (lsn > world.confirmedLsn) world.confirmedLsn = lsn
  }
}
