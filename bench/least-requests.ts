/** Change at the time when its writer saw the commit; milliseconds. */
export interface Commit {
  readonly atMs: number
  readonly code: string
}

const turnMs = 100
const batchSize = 100

/**
 * Returns the number of requests of an ideal sender. It knows each change as soon as it is committed, gets a turn every 100 ms, takes the
 * hundred rows that wait longest, and is answered immediately. A sender needs fewer requests only if it delays changes.
 */
export function leastRequests(commits: readonly Commit[]): number {
  const ordered = commits.toSorted((a, b) => a.atMs - b.atMs)
  const waiting = new Set<string>()
  let requests = 0
  let next = 0
  let turn = ordered[0]?.atMs ?? 0
  while (next < ordered.length || waiting.size > 0) {
    for (let commit = ordered[next]; commit && commit.atMs <= turn; commit = ordered[++next]) waiting.add(commit.code)
    if (waiting.size > 0) {
      requests++
      for (const code of [...waiting].slice(0, batchSize)) waiting.delete(code)
    }
    turn = waiting.size > 0 ? turn + turnMs : Math.max(turn + turnMs, ordered[next]?.atMs ?? turn)
  }
  return requests
}
