/** Returns the candidate that a misspelt name most likely means, or null if none is near. For error messages. */
export function nearestName(name: string, candidates: Iterable<string>): string | null {
  const wanted = normalised(name)
  let nearest: string | null = null
  let least = Math.floor(wanted.length / 3) + 1
  for (const candidate of candidates) {
    const distance = editDistance(wanted, normalised(candidate))
    if (distance < least) {
      nearest = candidate
      least = distance
    }
  }
  return nearest
}

function normalised(name: string): string {
  return name.slice(0, 64).toLowerCase().replaceAll(/[_-]/g, '')
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
