// Leaves out one rule of doubt.mjs at a time: node ablate.mjs [regex] [maximum number of states of an instance]
import { bfs, show } from '../bfs.mjs'
import { doubtModel } from './doubt.mjs'
import { suite } from './suite.mjs'
const drops = {
  '7: an intent of an earlier process is believed': { intentDoubt: false },
  '7: the codes that an intent names are believed of other rows': { intentCodes: false },
  '12a: no other row is owed': { taken: false },
  '12a: in doubt, the other rows are owed as if every request had an answer': { takenInDoubt: false },
  '12a: a row without a fingerprint is owed as if every request of it had an answer': { takenReason: false },
  '12a: a rejected row gives nothing up': { rejectedTakes: false },
  '12a: a row that is rejected again counts again': { rejectedOnce: false },
  '12a: the version in flight settles what became owed since': { outdated: false },
  '12b: a code is ended whoever has it': { holders: false },
  '12b: a code is left to a row that waits in memory only': { handOver: false },
  '12b: a code that was left to a row in flight is forgotten': { leftInFlight: false },
  '12b: a 404 is believed while a request is lost': { notFound: false },
  '12b: a version of a read does not resolve the code again': { removalCleared: false },
  'a record is fetched although an acceptance may not be applied': { fetchRecent: false },
  'a record that was fetched is kept although another row has the code': { outdatedEnds: false },
  '18d: a read-back clears what was owed since': { owedSince: false },
  '18d: an intent leaves the reason': { intentReason: false },
  '18d: a dropped row is owed as if every request of it had an answer': { owedUnanswered: false },
  '18d: a read-back of the present code clears a code to end': { restOwed: false },
  '18g: an acceptance in doubt is stored with its fingerprint': { doubtOwed: false },
  '18g: a lost request of another row with the code does not count': { sameCode: false },
  '18g: each acceptance is final': { final: 'next' },
  '18g: an acceptance that comes after the lost ones were over is final': { final: 'answer' },
  '18g: nothing is read back': { readBack: false },
  '18g: a read-back counts while a lost request may be applied': { confirmLate: false },
  'what has no room to be read back is believed': { noRoomOwed: false },
  'what a late request has replaced is owed in memory only': { overtakenOwed: false },
  '18h: an ended code is forgotten before it is read back': { endKept: false },
  '18h: a later process does not end it again': { endAgain: false },
  '18h: a removal that needs no request is not owed': { unsentConfirm: 'none' },
  '18h: a removal that needs no request is owed only until lost requests are over': { unsentConfirm: 'over' },
  'of two versions accepted one after the other the newer is not read back': { repeated: 'none' },
  'the same if the answer comes late': { repeated: 'answer' },
  'an unexpected success is proven while an earlier acceptance may not be applied': { provenRecent: false },
  'known gap: a crash while only memory knows': { crashInGap: true },
}
const only = new RegExp(process.argv[2] ?? '.'), limit = +(process.argv[3] ?? 1e6)
for (const [label, rules] of Object.entries(drops)) if (only.test(label)) {
  let states = 0, truncated = false, hit = null
  for (const scn of suite()) { const r = bfs(doubtModel(scn, rules), { limit, live: true }); states += r.states; truncated ||= !!r.truncated; if (!r.ok) { hit = { ...r, scn: scn.name }; break } }
  show(label, hit ?? { ok: true, states, truncated })
}
