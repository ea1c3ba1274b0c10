import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take longest, in the order in which they begin: those that wait beside those that compute. */
const longest = [
  ...['chaos/chaos.pg', 'deployment/package.pg', 'http/page/page.pg', 'source/identity/decoding-standby.pg'],
  ...['simulation/ablations', 'crash-backfill.pg', 'source/slot/slot-lost.pg', 'delivery/unexpected-success.pg'],
  ...['delivery/isolation/bad-rows.pg', 'source/row/identity-changes.pg', 'source/connection/connection-loss.pg'],
  ...['source/slot/slot-forecast.pg', 'source/connection/half-open-end.pg', 'backfill/backfill.pg', 'crash.pg'],
  ...['source/table/truncated.pg', 'delivery/faults.pg', 'startup/changed-filter.pg', 'source/identity/identity.pg'],
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
