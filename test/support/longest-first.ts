import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take longest, in the order in which they begin: those that wait beside those that compute. */
const longest = [
  ...['simulation/ablations', 'chaos/chaos.pg', 'crash-backfill.pg', 'crash.pg', 'delivery/faults.pg'],
  ...['http/page/page.pg', 'source/connection/connection-loss.pg', 'source/identity/failover.pg'],
  ...['source/slot/slot-forecast.pg', 'source/slot/slot-lost.pg', 'simulation/time', 'simulation/steps'],
]

/**
 * Runs the longest files first, then the database tests. Without recorded durations vitest sorts by size, and the longest files would begin
 * last: one worker would run them while the others are idle.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => place(a) - place(b) || a.project.name.localeCompare(b.project.name))
  }
}

function place({ moduleId }: TestSpecification): number {
  const at = longest.findIndex((name) => moduleId.endsWith(`test/${name}.test.ts`))
  return at < 0 ? longest.length : at
}
