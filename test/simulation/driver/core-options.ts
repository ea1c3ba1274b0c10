import type { CoreOptions } from '../../../src/pipeline/core/options.ts'
import { at, fingerprint } from '../world/values.ts'
import type { World } from '../world/world.ts'

/** Returns the options that a connector reads from the store when it starts now. */
export function coreOptions(world: World): CoreOptions {
  const { state, profile, table } = world
  return {
    checkpointLsn: at(state.lsn),
    horizon: state.horizon,
    readLsn: state.readLsn,
    readsFollowStream: false,
    isSlotGapOpen: state.slotGapXid !== null,
    nearXid: table.nearXid,
    onDelete: profile.onDelete,
    batchSize: profile.batchSize,
    maxInFlight: profile.maxInFlight,
    requestsPerMinute: 600,
    requestTimeoutMs: 30_000,
    fingerprint,
    bounds: { ...profile.bounds, readRows: profile.pageRows },
    seed: world.choices.below(1_000_000),
  }
}
