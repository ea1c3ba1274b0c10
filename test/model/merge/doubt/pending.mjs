// Decisions of doubt.mjs: what memory knows of the rows, as src/pending has it. The functions have the names that they have there.
// A row in memory: ld (record loaded), st (record), w (version that waits), f (version in flight), kn (newest streamed change), d (in doubt),
// u (unanswered), un (accepted, to be read back), rm (how its code is ended), fc (former codes), od (outdated).
// A version: c (content, '?' if it must be read), x (code), o (0 the stream, else the number of the read), p (end of the read), pos (label), debt.
import { canon, codesNamed, codesOwned, codesTaken, drop, makeRecords, plus, same } from './records.mjs'
export const fresh = () => ({ ld: 0, st: null, w: null, f: null, kn: 0, d: 0, u: 0, un: [], rm: null, fc: '', od: 0 })
export const codeOf = (c) => (c === '-' ? '' : c[0]), isInvalid = (c) => c[1] === '!', isBad = (c) => c[1] === '!' || c[1] === '#'
const min0 = (a, b) => (a && b ? Math.min(a, b) : a || b)
const newest = (e) => e.w ?? e.f
/** Returns true if version a had its code before version b (rule 12c). */
function isOlder(a, b) {
  if (a.o > 0 !== b.o > 0) return a.o === 0
  if (a.o !== b.o) return a.o < b.o
  return a.pos > 0 && b.pos > 0 && (a.pos < b.pos || (a.pos === b.pos && a.c === '-' && b.c !== '-'))
}
export function makePending(scn, R, table) {
  const rows = scn.base.map((_, k) => k), others = (k) => rows.filter((o) => o !== k)
  const { afterReadBack, afterUnsubscription, codesBeside, codesReadBack, intendedRow, labelled, owedAgain, owedRow, rejected, unsentRow, withFormerCode } = makeRecords(R, isInvalid)
  const ends = (e, code) => (R.policy === 'unsubscribe' ? codesBeside(e, code) : [])
  const held = (s) => s.pos < s.u >> 2
  const lostNow = (s, x) => s.lost.includes(x) || (s.ea === 1 && s.le.includes(x))
  const isOver = (s, x) => !s.lost.includes(x) && !s.ea
  const sharing = (s, x, k) => others(k).filter((o) => { const v = newest(s.e[o]); return v && (v.x === x || ends(s.e[o], v.x).includes(x)) })
  const hasEarlier = (s, x, k) => others(k).some((o) => { const v = newest(s.e[o]); return v?.x === x && isOlder(v, s.e[k].w) })
  const inFlight = (s, x) => s.e.some((e) => e.f?.to === x)
  const hasRecent = scn.lates || scn.odd || scn.recent // else the API applies immediately
  // Row records.
  function load(s, k) {
    const e = s.e[k], st = s.dur.rows[k]
    if (e.ld) return
    Object.assign(e, { ld: 1, st: st && { ...st }, od: 0 })
    if (!st) return
    if (st.fp === null && (!st.owed || st.owed === 2)) {
      if (s.ea && R.intentDoubt && R.intentCodes) for (const x of codesNamed({ ...st, rm: 0 })) s.le = plus(s.le, x)
      if (st.owed === 2 || (s.ea && R.intentDoubt)) e.d = e.u = 1
    }
    if (R.endAgain && st.rm && st.code && st.owed === 2) e.fc = plus(e.fc, st.code)
    if (others(k).some((o) => (s.dur.rows[o]?.code === st.code && !s.dur.rows[o].rm) || s.e[o].f?.to === st.code)) e.d = 1
    if (isTaken(s, st)) oweAgain(s, k, isTaken(s, st, s.tl))
  }
  function store(s, k, after) {
    const e = s.e[k], row = canon(after), taken = R.taken ? codesTaken(e.st, row, R) : []
    e.st = row
    for (const x of taken) take(s, k, x)
  }
  const isInDoubt = (s, k, x) => R.takenInDoubt && (s.e[k].u === 1 || lostNow(s, x))
  const isTaken = (s, row, codes = s.tk) => codesNamed(row).some((x) => codes.includes(x))
  function take(s, k, x) {
    s.tk = plus(s.tk, x)
    if (isInDoubt(s, k, x)) s.tl = plus(s.tl, x)
    for (const o of others(k)) if (s.e[o].ld && s.e[o].st && codesNamed(s.e[o].st).includes(x)) oweAgain(s, o, isInDoubt(s, k, x))
  }
  function oweAgain(s, k, inDoubt) {
    const e = s.e[k]
    if (!e.st) return
    e.d = 1
    if (inDoubt) e.u = 1
    if (e.f) e.od = 1
    const row = owedAgain(e.st, inDoubt)
    if (row) store(s, k, row)
  }
  function record(s) {
    for (const k of rows) {
      const e = s.e[k], d = s.dur.rows[k]
      if (!e.ld) { if (d && isTaken(s, d)) s.dur.rows[k] = canon(owedAgain(d, isTaken(s, d, s.tl)) ?? d) }
      else if (e.st) s.dur.rows[k] = e.st
    }
    const debts = s.e.flatMap((e) => [e.w?.debt, e.f?.debt]).filter(Boolean)
    s.dur.cp = debts.length ? Math.max(s.dur.cp, Math.min(...debts) - 1) : s.pos
    s.dur.h = Math.max(s.dur.h, s.h); s.dur.r = s.r; s.tk = s.tl = ''
    for (const k of rows) if (!s.e[k].w && !s.e[k].f && !s.e[k].un.length) s.e[k] = fresh()
  }
  // Versions.
  function replace(s, k, v) {
    const e = s.e[k]
    if (e.w) { v.debt = min0(v.debt, e.w.debt); remember(e, e.w, v) }
    e.w = v
    if (v.p && R.removalCleared) e.rm = null
  }
  function remember(e, older, newer) { if (older.x && older.x !== newer.x) e.fc = plus(e.fc, older.x) }
  function putBack(s, k) {
    const e = s.e[k], { to, pu, l, ea, odd, ap, rc, ...v } = e.f
    e.f = null
    if (e.w) { e.w.debt = min0(e.w.debt, v.debt); remember(e, v, e.w) }
    else { e.w = v; if (e.od && v.x && v.c !== '-' && v.c !== '?' && !isInvalid(v.c)) { e.w = { ...v, c: '?' }; if (v.p && R.removalCleared) e.rm = null } }
  }
  function settled(s, k, v, row) {
    const e = s.e[k]
    if (v.p) s.r = Math.max(s.r, v.p)
    if (row && !same(canon(row), e.st)) store(s, k, row)
    if (!e.w) e.fc = ''
    if (row && R.outdatedEnds) for (const x of codesOwned(row)) for (const o of sharing(s, x, k)) if (s.e[o].rm?.kind === 'send' && s.e[o].rm.x === x) { s.e[o].rm = null; if (!s.e[o].f) schedule(s, o) }
  }
  function settle(s, k, row) { const e = s.e[k], v = e.w; e.w = null; e.rm = null; settled(s, k, v, row) }
  function clearInFlight(s, k, row) { const e = s.e[k], v = e.f; e.f = null; if (!e.w) e.rm = null; settled(s, k, v, row) }
  function waitForRead(s, k, { to, pu }) { const e = s.e[k]; if (!e.w) replace(s, k, { c: '?', x: pu === 'u' ? to : '', o: 1, p: 0, pos: Math.max(e.kn, e.st?.pos ?? 0), debt: 0 }) }
  // The next step of a row that waits: read | resolve x | send x | settle outcome | forget x.
  function nextStep(s, k) {
    const e = s.e[k], { st, w, rm } = e
    const endOf = (pu, x) => {
      if (rm?.x !== x) return { kind: 'resolve', x, pu }
      if (rm.kind === 'send') return { kind: 'send', x, pu, c: null }
      return pu === 'r' ? { kind: 'settle', outcome: 'nothing' } : { kind: 'forget', x, isLeft: rm.kind === 'left' }
    }
    if (w.c === '?') return { kind: 'read' }
    if (w.c === '-') {
      const x = w.x || st?.code || codesBeside(e, '')[0] || '', [old] = codesBeside(e, x)
      if (st?.rm && st.code === x && !old && !e.d) return { kind: 'settle', outcome: 'unchanged' }
      if (R.policy === 'ignore') return { kind: 'settle', outcome: 'ignored' }
      if (!x) return { kind: 'settle', outcome: 'nothing' }
      return old ? endOf('c', old) : endOf('r', x)
    }
    const kept = isInvalid(w.c) ? (st && !st.rm && st.code) || w.x : w.x, [old] = ends(e, kept)
    if (old) return endOf('c', old)
    if (isInvalid(w.c)) return { kind: 'settle', outcome: 'dead letter' }
    const isSame = !e.d && st?.fp === w.c && st.code === w.x
    if (isSame && !inFlight(s, w.x) && !hasEarlier(s, w.x, k)) return { kind: 'settle', outcome: 'unchanged' }
    return { kind: 'send', x: w.x, pu: 'u', c: w.c, doubts: isSame && inFlight(s, w.x) }
  }
  function schedule(s, k) {
    const e = s.e[k]
    while (e.w && !e.f && !held(s)) {
      const step = nextStep(s, k)
      if (step.kind === 'settle') settle(s, k, unsentRow(e, step.outcome, (x) => isOver(s, x)))
      else if (step.kind === 'forget') { e.rm = null; codeUnsubscribed(s, k, step.x, step.isLeft) }
      else { if (step.doubts) e.d = 1; return }
    }
  }
  function codeUnsubscribed(s, k, x, isLeft) { const e = s.e[k]; e.fc = drop(e.fc, x); const row = afterUnsubscription(e, x, isLeft); if (row) store(s, k, row) }
  // Codes that are given up.
  function isOwnedByOther(s, x, k) {
    if (!R.holders) return false
    if (others(k).some((o) => s.e[o].f?.to === x && s.e[o].f.pu === 'u')) return true
    if (sharing(s, x, k).some((o) => {
      const v = newest(s.e[o]), { st } = s.e[o]
      if (isInvalid(v.c) && v.x === x && st && !st.rm && st.code && st.code !== x) return false
      return (v.c !== '-' && !isInvalid(v.c) && v.x === x) || (s.e[k].w.pos && v.pos > s.e[k].w.pos)
    })) return true
    return others(k).some((o) => s.e[o].ld && s.e[o].st && !same(s.e[o].st, s.dur.rows[o]) && codesOwned(s.e[o].st).includes(x))
  }
  function leave(s, k, x) { s.e[k].rm = { x, kind: 'left' }; doubtOthers(s, k, x); schedule(s, k) }
  function doubtOthers(s, k, x) {
    if (isInDoubt(s, k, x)) take(s, k, x)
    for (const o of sharing(s, x, k)) {
      const e = s.e[o]
      e.d = 1
      if (isInDoubt(s, k, x)) e.u = 1
      if (R.handOver) { e.fc = plus(e.fc, x); const row = withFormerCode(e, x); if (row) store(s, o, row) }
      if (!e.f) schedule(s, o)
    }
  }
  function oweRow(s, k) { const e = s.e[k]; settle(s, k, owedRow(e)); if (R.owedSince) e.d = 1; schedule(s, k) }
  function resolve(s, k, x) {
    const e = s.e[k], owner = R.holders && others(k).some((o) => s.dur.rows[o] && codesOwned(s.dur.rows[o]).includes(x) && codesOwned((s.e[o].ld && s.e[o].st) || s.dur.rows[o]).includes(x))
    if (owner || isOwnedByOther(s, x, k)) return leave(s, k, x)
    if (s.api[x] === null && R.notFound && lostNow(s, x)) return oweRow(s, k)
    e.rm = { x, kind: s.api[x] === null ? 'ended' : 'send' }
    schedule(s, k)
  }
  // Requests and answers.
  function send(s, k, { x, pu, c }) {
    const e = s.e[k], row = intendedRow(e, x, pu)
    e.f = { ...e.w, to: x, pu, l: +s.lost.includes(x), ea: s.ea, odd: 0, ap: 0, rc: +s.rec.includes(x) }
    e.w = null; e.od = 0
    if (row) store(s, k, row)
    if (e.f.p) s.r = Math.max(s.r, e.f.p)
    s.h = Math.max(s.h, e.f.pos)
    for (const o of sharing(s, x, k)) {
      const other = s.e[o]
      other.d = 1
      if (R.outdatedEnds && other.rm?.x === x) other.rm = null
      if (other.f || !other.w) continue
      const step = nextStep(s, o)
      if (step.x === x && (step.kind === 'resolve' || (step.kind === 'send' && step.pu !== 'u')) && R.holders) leave(s, o, x)
      else schedule(s, o)
    }
    record(s)
    const has = (o, upTo) => codeOf(table(o, upTo)) === x && !isBad(table(o, upTo))
    return c === null && others(k).some((o) => has(o, s.n) && has(o, s.pos)) ? `C4: ${x} is ended for k${k} although another row has it` : null
  }
  function accepted(s, k) {
    const e = s.e[k], { to: x, pu, c, l, ea, rc } = e.f
    e.rm = null
    const unanswered = e.u || (R.sameCode && (l || (ea && s.le.includes(x)))) ? 1 : 0
    const isCertain = R.final === 'over' ? !l && !ea : R.final === 'next' || isOver(s, x)
    const watched = rows.find((o) => s.e[o].un.some((w) => w.x === x))
    const isRepeated = R.repeated !== 'none' && (s.rec.includes(x) || watched !== undefined || (R.repeated === 'sent' && rc))
    if (hasRecent) s.rec = plus(s.rec, x)
    const acceptance = !unanswered && !isRepeated ? 'certain' : watched === undefined && (scn.noRoom || !R.readBack) ? 'no room' : 'read back'
    if (watched !== undefined) { s.e[watched].un = s.e[watched].un.filter((w) => w.x !== x); if (watched !== k) schedule(s, watched) }
    const isDoubtful = (unanswered && !isCertain) || (acceptance === 'no room' && (R.noRoomOwed ? isRepeated : !unanswered))
    if (acceptance === 'read back') e.un.push({ x, pu, c: pu === 'u' ? c : null, m: isDoubtful || pu === 'c' ? 0 : 1 }) // m: only memory knows
    if (pu === 'c') {
      putBack(s, k)
      if (acceptance === 'no room') e.fc = plus(e.fc, x)
      else codeUnsubscribed(s, k, x, false)
    } else {
      e.d = 0
      if (!isDoubtful) e.u = 0
      const rest = R.leftInFlight ? ends(e, x) : []
      const owed = isDoubtful && R.doubtOwed ? 2 : rest.length || (R.outdated && e.od) ? 1 : 0
      const row = labelled(e, e.f, { code: x, fp: owed || pu === 'r' ? null : c, rm: pu === 'r' ? 1 : 0, dl: 0, owed, nx: owed === 2 && pu === 'u' ? x : '' })
      for (const y of rest) row.fm = plus(row.fm, y)
      if (rest.length) waitForRead(s, k, e.f)
      clearInFlight(s, k, row)
    }
    schedule(s, k)
  }
  function lost(s, k) { const e = s.e[k], x = e.f.to; s.lost = plus(s.lost, x); if (hasRecent) s.rec = plus(s.rec, x); e.d = e.u = 1; putBack(s, k); schedule(s, k) }
  function refused(s, k) {
    const e = s.e[k], x = e.f.to, row = rejected(e, e.f, x), rest = row.code ? ends(e, row.code).filter((y) => y !== x) : []
    if (rest.length) { for (const y of rest) row.fm = plus(row.fm, y); row.owed = 1; waitForRead(s, k, e.f) }
    clearInFlight(s, k, row)
    schedule(s, k)
  }
  function confirmed(s, k, watch) {
    const e = s.e[k]
    const row = watch.pu === 'u' ? null : afterReadBack(e, watch.x)
    if (row) store(s, k, row)
    const { st } = e
    if (st && !st.dl && st.code === watch.x && !codesReadBack(e).length && !e.f && !e.d && !(R.restOwed && ends(e, watch.x).length)) {
      e.d = e.u = 0
      const next = { ...st, fp: watch.pu === 'u' && !st.rm ? watch.c : st.fp, owed: st.owed === 2 ? 0 : st.owed, nx: st.owed === 2 ? '' : st.nx }
      if (!same(canon(next), st)) store(s, k, next)
    }
    schedule(s, k)
  }
  function overtaken(s, k, watch) {
    const e = s.e[k]
    e.d = e.u = 1
    const row = R.overtakenOwed && e.st ? owedAgain(e.st) : null
    if (row) store(s, k, row)
    if (watch.pu !== 'u') e.fc = plus(e.fc, watch.x)
    if (!e.f || watch.pu !== 'u') waitForRead(s, k, { to: watch.x, pu: watch.pu })
    schedule(s, k)
  }
  function merge(s, k, number) {
    load(s, k)
    const e = s.e[k], c = table(k, s.n), { st, w } = e
    if (c === '-' && !(w || e.f || e.d || (st && (!st.rm || st.dl || st.owed)))) return schedule(s, k)
    if (c === '-' && w?.o === 0 && w.c === '-') replace(s, k, { ...w, p: s.n, debt: 0 })
    else replace(s, k, { c, x: codeOf(c) || (c === '-' ? newest(e)?.x : '') || '', o: number, p: s.n, pos: Math.max(e.kn, st?.pos ?? 0), debt: 0 })
    schedule(s, k)
  }
  function streamed(s, t) {
    const changes = [...scn.txs[t - 1]].sort((a, b) => (a[1] === '-' ? 0 : 1) - (b[1] === '-' ? 0 : 1)), wasHeld = held(s)
    s.pos = t
    changes.forEach(([k, c], i) => {
      load(s, k)
      const e = s.e[k], pos = t * 4 + i
      if (e.st && pos <= e.st.pos) return
      e.kn = pos
      if (pos <= s.u) e.d = 1
      const inc = t <= s.r
      replace(s, k, { c: inc ? '?' : c, x: codeOf(c) || (c === '-' && !inc ? newest(e)?.x : '') || '', o: 0, p: 0, pos, debt: t })
    })
    for (const k of wasHeld ? rows : changes.map(([k]) => k)) if (s.e[k].ld) schedule(s, k)
  }
  return { accepted, confirmed, ends, hasEarlier, held, inFlight, isOwnedByOther, leave, lost, lostNow, merge, nextStep, oweRow, overtaken, record, refused, resolve, schedule, send, streamed }
}
