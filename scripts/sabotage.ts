import { allSabotages } from '../test/sabotage/patches.ts'
import { createTable } from '../test/sabotage/table.ts'
import { Tree } from '../test/sabotage/tree.ts'

// npm run sabotage [-- name…]: breaks each promise in a copy of the tree with the patches of test/sabotage/, and checks that the tests that
// docs/guarantees.md names fail. A name may be a prefix: `3-` selects every patch of promise 3. Exit status 1 if no test failed for one of
// them.

const asked = process.argv.slice(2)
const all = allSabotages()
const unknown = asked.filter((name) => !all.some((sabotage) => sabotage.name.startsWith(name)))
if (unknown.length > 0) {
  console.error(`no patch of test/sabotage/ begins with ${unknown.join(', ')}; there are:`)
  for (const { name, breaks } of all) console.error(`  ${name}: ${breaks}`)
  process.exit(2)
}
const chosen = all.filter(({ name }) => asked.length === 0 || asked.some((start) => name.startsWith(start)))

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

const table = createTable(
  [
    { title: 'promise', share: 0 },
    { title: 'patch', share: 2 },
    { title: 'what is broken', share: 3 },
    { title: 'caught by', share: 4 },
    { title: 'seconds', share: 0 },
  ],
  Math.min(130, Math.max(80, process.stdout.columns ?? 130)),
)

const missed: string[] = []
try {
  await using tree = await Tree.make(stop.signal)
  console.log(table.head)
  for (const sabotage of chosen) {
    const startedAtMs = performance.now()
    const verdict = await tree.sabotage(sabotage)
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0).padStart(7)
    const by = verdict.kind === 'caught' ? `${verdict.file}: ${verdict.test}` : `NOT CAUGHT: ${verdict.why}`
    if (verdict.kind === 'missed') missed.push(sabotage.name)
    console.log(table.row([`${sabotage.promise}`, sabotage.name, sabotage.breaks, by, seconds]))
  }
} catch (error) {
  if (!stop.signal.aborted) throw error
  console.error('stopped before the end')
  process.exit(1)
}

console.log(`\n${chosen.length - missed.length} of ${chosen.length} caught`)
if (missed.length > 0) {
  console.error(
    `not caught: ${missed.join(', ')}\nWrite the test that is missing and name it in the patch and in docs/guarantees.md; regenerate a patch that no longer applies to the source.`,
  )
  process.exitCode = 1
}
