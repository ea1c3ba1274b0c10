import { defaultIntervals } from '../../../src/model/intervals.ts'
import type { CoreOptions } from '../../../src/pipeline/core/options.ts'
import { at, fingerprint } from '../world/values.ts'
import type { World } from '../world/world.ts'

/** Time after which the client gives up a request. */
export const requestTimeoutMs = 30_000

/** Returns the options that a connector reads from the store when it starts now. */
export function coreOptions(world: World): CoreOptions {
  const { state, profile, table } = world
  return {
    stored: { checkpointLsn: at(state.lsn), horizon: state.horizon, readLsn: state.readLsn },
    source: { isSlotGapOpen: state.slotGapXid !== null, readsFollowStream: false, nearXid: table.nearXid },
    policy: { onDelete: profile.onDelete, onTruncate: 'reconcile', fingerprint },
    limits: {
      requestsPerMinute: 600,
      batchSize: profile.batchSize,
      maxInFlight: profile.maxInFlight,
      requestTimeoutMs,
    },
    bounds: { ...profile.bounds, readRows: profile.pageRows },
    runtime: { intervals: defaultIntervals.core, seed: world.choices.below(1_000_000) },
  }
}
