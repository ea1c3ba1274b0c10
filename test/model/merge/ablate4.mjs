// Weakens one part of rule 18 (owed rows) at a time: node ablate4.mjs [regex] [maximum number of states of an instance of codes.mjs]
import { bfs, show } from './bfs.mjs'
import { codesModel, OWE, suite } from './codes.mjs'
import { explore } from './model.mjs'
import * as suites from './suite.mjs'
const drops = {
  '(a) the drop leaves the lsn and xid of the row as they were': ['owe', { oweLabel: false }],
  '(b) rule 4 ignores the stored xid of an owed row': ['owe', { oweXid: 'off' }],
  '(c) the drop keeps the fingerprint': ['owe', { oweFp: 'keep' }],
  '(c) the drop keeps the fingerprint, and a request may be applied late': ['oweLate', { oweFp: 'keep' }],
  '(c) the drop keeps the fingerprint, no intent': ['owe', { oweFp: 'keep', intent: false }],
  '(d) the intent clears owed': ['owe', { oweIntent: 'clear' }],
  '(f) owed alone does not make a row known': ['owe', { oweKnown: 'off' }],
  '(f) owed alone does not make a row known; absent, it is no longer owed': ['owe', { oweKnown: 'clear' }],
  '(f) the same, C3 not checked': ['owe', { oweKnown: 'clear', c3: false }],
  'read versions may be dropped as well': ['owe', { owe: 'any' }],
  'a version may be dropped while a request of its row is in flight': ['owe', { oweInFlight: true }],
  'only a version of a read clears owed': ['owe', { oweClear: 'read' }],
  'the claim of a pass is not settled by the drop': ['owe', { oweClaim: 'keep' }],
  'related tables: rule 4 with the xid of the newest change only': ['oweRelated', { oweXid: 'on' }],
  'related tables: read versions may be dropped as well': ['oweRelated', { owe: 'any' }],
  'one table: rule 4 with every xid up to the largest one': ['owe', { oweXid: 'all' }],
  'doubt: accepted is accepted': ['oweLate', { oweDoubt: false }],
  'doubt: the next acceptance ends it': ['oweLate', { oweDoubt: 'once' }],
  'doubt: requests of earlier runs are not waited for': ['oweLate', { lateHold: false }],
}
const codesDrops = {
  'codes: (a) the drop leaves the lsn and xid of the row as they were': { oweLabel: false },
  'codes: the drop stores the lsn and xid of the version, not of known(K)': { oweLabel: 'version' },
  'codes: (c) the drop keeps the fingerprint': { oweFp: 'keep' },
  'codes: (d) the intent clears owed': { oweIntent: 'clear' },
  'codes: (e) nextCode is not noted': { oweNext: 'none' },
  'codes: nextCode counts only while nothing newer waits or is in flight': { oweNotedWhen: 'idle' },
  'codes: all codes of dropped versions are noted': { oweNext: 'set' },
  'codes: (f) owed alone does not make a row known': { oweKnown: false },
}
const only = new RegExp(process.argv[2] ?? '.'), limit = +(process.argv[3] ?? 6e4)
for (const [label, [name, d]] of Object.entries(drops)) if (only.test(label)) {
  let states = 0, n = 0, truncated = false, hit = null
  for (const scn of suites[name]()) { n++; const r = explore(scn, { ...scn.rules, ...d }, { limit: 3e6, live: true }); states += r.states; truncated ||= !!r.truncated; if (!r.ok) { hit = { ...r, scn: scn.name }; break } }
  show(label, hit ?? { ok: true, states, truncated })
}
for (const [label, d] of Object.entries(codesDrops)) if (only.test(label)) for (const policy of ['unsubscribe', 'ignore']) {
  let states = 0, truncated = false, hit = null
  for (const scn of suite()) { const r = bfs(codesModel(scn, { policy, ...OWE, ...d }), { limit }); states += r.states; truncated ||= !!r.truncated; if (!r.ok) { hit = { ...r, scn: scn.name }; break } }
  show(`[${policy}] ${label}`, hit ?? { ok: true, states, truncated })
}
