import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take a minute or more, the longest first. */
const longest = [
  ...['chaos/chaos.pg', 'crash-backfill.pg', 'crash.pg', 'source/slot/slot-forecast.pg'],
  ...['simulation/ablations', 'simulation/time', 'simulation/steps'],
]

/**
 * Runs the longest files first. Without recorded durations vitest sorts by size, and the longest files would begin last: one worker would
 * run them while the others are idle.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => a.project.name.localeCompare(b.project.name) || place(a) - place(b))
  }
}

function place({ moduleId }: TestSpecification): number {
  const at = longest.findIndex((name) => moduleId.endsWith(`test/${name}.test.ts`))
  return at < 0 ? longest.length : at
}
