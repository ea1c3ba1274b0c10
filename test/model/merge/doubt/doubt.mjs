// Lost requests, requests applied late, and reading back. Two rows, up to three codes (X, Y, Z); the API keeps one patient for each code.
// Contents: 'Xa' = code X, data a; '-' = no row; 'X!' = not sendable; 'X#' = the API refuses it. A transaction is visible to reads as soon
// as it is committed: codes.mjs has the snapshots. Decisions are those of src/pending, from which the names of the functions are taken.
import { codeOf, fresh, isBad, makePending } from './pending.mjs'
import { codesNamed, drop, same } from './records.mjs'
export const FULL = {
  policy: 'unsubscribe', // onDelete: unsubscribe | ignore
  intentDoubt: true,     // 7: after a restart, a record without a fingerprint is in doubt until requests of the earlier process are over
  intentCodes: true,     // 7: so is each code that it names, whichever row is sent with it
  taken: true,           // 12a: the write that takes a code from a row makes the other rows with the code owed
  takenInDoubt: true,    // 12a: a row that gives a code up, or leaves it, while a request of it has no answer passes that on: the others are to be confirmed
  takenReason: true,     // 12a: so is one of them whose record has no fingerprint
  rejectedTakes: true,   // 12a: a row that is rejected gives its codes up
  rejectedOnce: true,    // 12a: not if it was rejected before
  outdated: true,        // 12a: the version in flight does not settle what became owed since
  holders: true,         // 12b: a code is not ended while another row has it
  handOver: true,        // 12b: a code that is left to a row that only waits with it becomes a former code of that row, in the same write
  leftInFlight: true,    // 12b: a row that was in flight when a code was left to it ends that code after its acceptance
  notFound: true,        // 12b: a code that the API does not have is not believed to be ended while a lost request of it may be applied
  removalCleared: true,  // 12b: a version of a read is resolved again: the stream shows later which row has the code
  fetchRecent: true,     // 12b: a record is not fetched while an acceptance may not be applied
  outdatedEnds: true,    // 12b: a record that was fetched is discarded if another row is sent or settled with the code
  owedSince: true,       // 18d: a read-back clears nothing that was owed since its acceptance
  restOwed: true,        // 18d: a read-back leaves the row owed while it has another code to end
  intentReason: true,    // 18d: an intent changes the reason of an owed row
  owedUnanswered: true,  // 18d: a row that is dropped while a request of it has no answer is to be confirmed
  doubtOwed: true,       // 18g: an acceptance in doubt is stored as owed, without a fingerprint
  sameCode: true,        // 18g: a lost request of another row with the same code counts
  final: 'over',         // 18g: an acceptance is final if its request was sent after the lost ones were over: over | next (each one) | answer (if the answer came after)
  readBack: true,        // 18g: an acceptance in doubt is read back; else it is only owed
  noRoomOwed: true,      // 18g: an acceptance that has no room to be read back is owed, in each case in which it would be read back
  confirmLate: true,     // 18g: a read-back is believed only once lost requests are over
  overtakenOwed: true,   // 18g: a version that a late request has replaced is owed before it is read again
  repeated: 'sent',      // a version is read back if an earlier one may not be applied: sent (when it is sent) | answer (when it is accepted) | none
  provenRecent: true,    // an unexpected success is not proven while an earlier acceptance may not be applied
  endKept: true,         // 18h: a code whose end is to be read back stays in the record
  endAgain: true,        // 18h: a later process ends it once more
  unsentConfirm: 'lookedUp', // 18h: a removal that needs no request leaves an owed row owed until its code is looked up when lost requests are over:
                         // lookedUp | over (until they are over) | none
  crashInGap: false,     // a crash while only memory knows that an acceptance is not applied yet, or is to be read back (a known gap)
}
const clone = (s) => ({ ...s, api: { ...s.api }, q: [...s.q], dur: { ...s.dur, rows: [...s.dur.rows] }, e: s.e.map((e) => ({ ...e, w: e.w && { ...e.w }, f: e.f && { ...e.f }, un: [...e.un], rm: e.rm && { ...e.rm } })) })
export function doubtModel(scn, rules0 = {}) {
  const R = { ...FULL, ...rules0 }, T = scn.txs.length, rows = scn.base.map((_, k) => k), codes = [...(scn.codes ?? 'XY')]
  const table = (k, upTo) => { let c = scn.base[k]; for (let t = 0; t < upTo; t++) for (const [kk, cc] of scn.txs[t]) if (kk === k) c = cc; return c }
  const { accepted, confirmed, hasEarlier, held, inFlight, isOwnedByOther, leave, lost, lostNow, merge, nextStep, oweRow, overtaken, record, refused, resolve, schedule, send, streamed } = makePending(scn, R, table)
  const others = (k) => rows.filter((o) => o !== k)
  const apply = (s, x, c) => { s.api[x] = c }
  const init = () => ({
    n: 0, pos: 0, u: 0, r: 0, h: 0, nr: 1, tk: '', tl: '', q: [], le: '', lost: '', rec: '', ea: 0,
    api: Object.fromEntries(codes.map((x) => { const k = scn.api?.[x] ?? rows.findIndex((r) => codeOf(scn.base[r]) === x && !isBad(scn.base[r])); return [x, k < 0 ? null : scn.base[k]] })),
    dur: { rows: scn.base.map((c) => (c === '-' ? null : { code: c[0], fm: '', fp: isBad(c) ? null : c, rm: 0, pos: 0, dl: isBad(c) ? 1 : 0, owed: 0, nx: '' })), cp: 0, h: 0, r: 0 },
    e: rows.map(fresh), f: scn.faults ?? 0, l: scn.lates ?? 0, odd: scn.odd ?? 0, cr: scn.crashes ?? 0, ow: scn.owes ?? 0, rd: scn.reads ?? 0,
  })
  const isRight = (s, x, withRecords) => { // the API has for a code what the table says, or a dead letter keeps it
    const live = rows.map((k) => table(k, s.n)).filter((c) => codeOf(c) === x), sendable = live.filter((c) => !isBad(c))
    if (sendable.length) return sendable.includes(s.api[x])
    return live.length > 0 || s.api[x] === null || R.policy === 'ignore' || (withRecords && s.dur.rows.some((r) => r?.dl && codesNamed(r).includes(x)))
  }
  const show = (s, x) => `${x}: table ${rows.map((k) => `k${k}=${table(k, s.n)}`).join(' ')}, API ${s.api[x] ?? 'nothing'}`
  function c3(s) {
    if (s.q.length || s.n < T || s.dur.cp < T) return null
    for (const x of codes) {
      const isOwed = s.dur.rows.some((r, k) => r && (r.owed || r.dl) && (r.code === x || codesNamed(r).includes(x) || codeOf(table(k, T)) === x))
      if (!isRight(s, x, true) && !isOwed && !s.e.some((e) => e.un.some((w) => w.x === x && w.m))) return `C3: the checkpoint has passed everything, and nothing is owed of ${show(s, x)}`
    }
    return null
  }
  function steps(s0) {
    const out = []
    const step = (label, f, optional) => {
      const s = clone(s0), bad = f(s)
      if (!s.cr) record(s) // without a crash to come, a write that is late changes nothing
      s.q.sort()
      if (!s.ea && !s.e.some((e) => e.f?.ea)) s.le = ''
      const used = [...new Set(s.e.flatMap((e) => [e.w, e.f]).filter((v) => v?.o > 1).map((v) => v.o))].sort((a, b) => a - b)
      for (const e of s.e) for (const v of [e.w, e.f]) if (v?.o > 1) v.o = used.indexOf(v.o) + 2
      s.nr = used.length + 1
      out.push([label, s, bad ?? c3(s), optional])
    }
    if (s0.n < T) step(`T${s0.n + 1} commits: ${scn.txs[s0.n].map(([k, c]) => `k${k}=${c}`).join(' ')}`, (s) => { s.n++ })
    if (s0.pos < s0.n) step(`stream delivers T${s0.pos + 1}`, (s) => streamed(s, s.pos + 1))
    for (const k of rows) {
      const e = s0.e[k], read = (why, optional) => step(`${why} k${k}=${table(k, s0.n)}`, (s) => { if (optional) s.rd--; merge(s, k, s.nr + 1) }, optional)
      if (!held(s0)) {
        if (e.w?.c === '?' && !e.f) read('read again')
        else if (s0.dur.rows[k]?.owed && !e.w && !e.f) read('owed read')
        else if (s0.rd) read('read', true)
      }
      if (e.w && !e.f && !held(s0)) {
        const next = nextStep(s0, k), { x } = next
        const isShown = e.w.o === 0 || !e.w.p || s0.pos >= e.w.p
        const isUnclear = others(k).some((o) => s0.e[o].w?.c === '?' && !s0.e[o].w.x && e.w.pos && s0.e[o].w.pos >> 2 === e.w.pos >> 2)
        if (next.kind === 'resolve' && isShown && !isUnclear && !(R.fetchRecent && s0.rec.includes(x))) step(`k${k} looks ${x} up to end it`, (s) => resolve(s, k, x))
        if (next.kind === 'settle') step(`k${k} ${e.w.c} has its turn, and is settled without a request`, (s) => schedule(s, k))
        if (next.kind === 'send') {
          if (next.pu !== 'u' && isOwnedByOther(s0, x, k)) step(`k${k} leaves ${x} to another row`, (s) => leave(s, k, x))
          else if (!inFlight(s0, x) && !hasEarlier(s0, x, k)) step(next.c ? `send k${k} ${next.c}` : `send the end of ${x} for k${k}`, (s) => send(s, k, next))
        }
        if (s0.ow) step(`k${k} ${e.w.c}: dropped, owed from now on`, (s) => { s.ow--; oweRow(s, k) }, true)
      }
      if (e.f && !e.f.odd) {
        const { to: x, pu } = e.f, c = pu === 'u' ? e.f.c : null, name = c ?? `the end of ${x}`
        if (c && isBad(c)) step(`${name} of k${k} is refused`, (s) => refused(s, k))
        else {
          if (s0.q.length && !e.f.ap) step(`API applies ${name} of k${k}, no answer yet`, (s) => { apply(s, x, c); s.e[k].f.ap = 1 })
          step(`${name} of k${k} is accepted`, (s) => { if (!e.f.ap) apply(s, x, c); accepted(s, k) })
          if (s0.l && !e.f.ap) step(`${name} of k${k} is accepted, and not applied yet`, (s) => { s.l--; s.q.push(['accepted', x, c]); accepted(s, k) }, true)
          if (s0.f) step(`${name} of k${k} is lost`, (s) => { s.f--; if (!e.f.ap) s.q.push(['lost', x, c]); lost(s, k) }, true)
          if (s0.odd && !e.f.ap) for (const way of ['applied', 'not applied', 'applied later']) step(`${name} of k${k}: unexpected success, ${way}`, (s) => { s.odd--; s.e[k].f.odd = 1; if (way === 'applied') apply(s, x, c); if (way === 'applied later') s.q.push(['answered oddly', x, c]) }, true)
        }
      }
      if (e.f?.odd) {
        const { to: x, pu } = e.f, isShown = s0.api[x] === (pu === 'u' ? e.f.c : null)
        if (isShown && !(R.provenRecent && s0.rec.includes(x))) step(`k${k} is read back, as sent: proven`, (s) => accepted(s, k))
        step(`k${k} is not proven`, (s) => lost(s, k))
      }
      e.un.forEach((watch, i) => {
        const isAsSent = s0.api[watch.x] === watch.c
        if (s0.rec.includes(watch.x) || (isAsSent && R.confirmLate && lostNow(s0, watch.x))) return
        step(`${watch.x} of k${k} is read back: ${isAsSent ? 'as sent' : `overtaken, ${s0.api[watch.x]}`}`, (s) => { s.e[k].un.splice(i, 1); (isAsSent ? confirmed : overtaken)(s, k, watch); if (watch.m) record(s) })
      })
    }
    s0.q.forEach(([kind, x, c], i) => {
      step(`API applies ${kind} ${c ?? `end of ${x}`}`, (s) => { s.q.splice(i, 1); apply(s, x, c) })
      if (kind.startsWith('lost')) step(`${kind} ${c ?? `end of ${x}`} is never applied`, (s) => { s.q.splice(i, 1) })
    })
    const out0 = (kind, x) => s0.q.some(([k, y]) => k === kind && (y === x || !x))
    for (const x of s0.rec) if (!out0('accepted', x) && !out0('answered oddly', x)) step(`what was accepted of ${x} is applied by now`, (s) => { s.rec = drop(s.rec, x) })
    for (const x of s0.lost) if (!s0.ea && !s0.rec.includes(x) && !out0('lost', x)) step(`lost requests of ${x} are over`, (s) => { s.lost = drop(s.lost, x) })
    if (s0.ea && !out0('lost before the crash')) step('requests of the earlier process are over', (s) => { s.ea = 0 })
    if (s0.cr) {
      const probe = clone(s0); record(probe)
      if (!same(probe, s0)) step(`recorded, checkpoint ${probe.dur.cp}`, record)
      const isGap = (scn.lates || scn.odd) && !R.crashInGap && (out0('accepted') || s0.e.some((e) => e.un.some((w) => w.m)))
      if (!isGap) step(`CRASH, restart from checkpoint ${s0.dur.cp}`, (s) => {
        for (const e of s.e) if (e.f && !e.f.odd && !e.f.ap) s.q.push(['lost', e.f.to, e.f.pu === 'u' ? e.f.c : null])
        s.q = s.q.filter(([, , c]) => !c || !isBad(c)).map(([kind, x, c]) => [kind === 'accepted' ? kind : 'lost before the crash', x, c])
        Object.assign(s, { cr: s.cr - 1, e: rows.map(fresh), pos: s.dur.cp, u: s.dur.h, r: s.dur.r, h: 0, tk: '', tl: '', le: '', lost: '', rec: '', ea: 1 })
      }, true)
    }
    return out
  }
  const quiet = (s) => {
    if (s.n < T || s.pos < T || s.q.length || s.dur.rows.some((r) => r?.owed) || s.e.some((e) => e.w || e.f || e.un.length)) return false
    const p = clone(s); record(p)
    return same(p.dur, s.dur)
  }
  const check = (s) => { for (const x of codes) if (!isRight(s, x, true)) return `C1: ${show(s, x)}`; return null }
  return { init, steps, quiet, check }
}
