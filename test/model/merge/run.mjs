// Explores suites under their rules, or others: node run.mjs [suite,suite] "{rules}" [maximum number of states of an instance]. Stops at
// the first violation. The suite `codes` is that of codes.mjs, with rule 18 and C4; `rejected` has its instances with rejected rows, without
// rule 18; `doubt` is that of doubt.mjs.
import { bfs } from './bfs.mjs'
import { codesModel, OWE, rejectedSuite, suite } from './codes.mjs'
import { doubtModel } from './doubt/doubt.mjs'
import { suite as doubtSuite } from './doubt/suite.mjs'
import { explore } from './model.mjs'
import * as suites from './suite.mjs'
const rules = eval('(' + (process.argv[3] ?? '{}') + ')'), limit = +(process.argv[4] ?? 6e6)
for (const name of (process.argv[2] ?? 'owe,oweRelated,oweLate').split(',')) {
  const policies = ['unsubscribe', 'ignore']
  const ways = name === 'codes' ? policies.map((policy) => [policy, suite, (scn) => bfs(codesModel(scn, { ...OWE, policy, ...rules }), { limit })])
    : name === 'rejected' ? policies.map((policy) => [policy, rejectedSuite, (scn) => bfs(codesModel(scn, { ...OWE, owe: false, policy, ...rules }), { limit, live: true })])
    : name === 'doubt' ? policies.map((policy) => [policy, doubtSuite, (scn) => bfs(doubtModel(scn, { policy, ...rules }), { limit, live: true })])
    : [['', suites[name], (scn) => explore(scn, { ...scn.rules, ...rules }, { limit, live: true })]]
  for (const [policy, instances, run] of ways) {
    let n = 0, states = 0, edges = 0, truncated = 0; const t = Date.now()
    for (const scn of instances()) {
      const r = run(scn); n++; states += r.states; edges += r.edges ?? 0
      if (r.truncated) { truncated++; console.log('  truncated:', scn.name, r.states) }
      if (!r.ok) { console.log(`VIOLATION in ${scn.name}: ${r.violation}`); r.trace.forEach((l, i) => console.log(String(i + 1).padStart(3), l)); process.exit(1) }
    }
    console.log(`${name} ${policy} ${JSON.stringify(rules)}: ${n} instances, ${states.toLocaleString('en')} states, ${edges.toLocaleString('en')} steps, ${truncated} truncated, ${((Date.now() - t) / 1000).toFixed(0)} s`)
  }
}
