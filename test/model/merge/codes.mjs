// D5: rows and patient codes. Two rows and two codes (X, Y); the API keeps one patient for each code. Rules 3 to 10 as in model.mjs,
// without marks, which only save work. Contents: 'Xa' = code X, data a; 'X!' = code X, not sendable; '-' = no row. A version of a row is the set (bits) of its
// transactions that it contains.
import { bfs, show } from './bfs.mjs'
export const CODES = {
  policy: 'unsubscribe', // onDelete: unsubscribe | ignore
  onSend: 'doubt',       // other row with the code of a row that is sent: doubt (fingerprint dropped, same write) | none
  onLeave: 'owed',       // other row with the code that a row gives up: owed (fingerprint dropped, to be read again: both durable, in the write that takes the code from
                         // the row)
                         // memory (read again, but only memory has that)
                         // doubt (fingerprint dropped durably, not read again)
                         // none
  guard: 'global',         // streamed change with lsn <= P of a sent read version is read again: row (of the same row) | code (also of a row that has the code in STATE)
                         // | ever (P is kept for the code, whichever row has it now)
                         // global (of any row)
  order: true,           // of two rows that wait with one code, the older one is sent first
  holders: true,         // a code is not unsubscribed while another row has it, in STATE or in a version that waits or is in flight
  endFirst: true,        // the old code is unsubscribed, or left to another row, before the new one is sent (a crash in between must not lose it)
  oneWrite: true,        // the write before a request contains everything that was settled or given up before
  owe: false,            // rule 18: a waiting version of the stream may be dropped, and its row is owed
  oweLabel: 'known',     // the drop stores with the row the lsn and xid of: known (the newest change in known(K)) | version (the dropped version) | false (neither)
  oweNext: 'last',       // codes of dropped versions, noted with the row: last (that of the newest) | set (all of them, until owed is cleared) | none
  oweNotedWhen: 'always', // such a code prevents other rows from unsubscribing it: always | idle (while no newer version of the row with a known code waits or is in flight)
  oweFp: 'null',         // fingerprint at the drop: null | keep
  oweIntent: 'keep',     // the intent: keep | clear (the row is no longer owed)
  oweKnown: true,        // an owed row that a read does not find is known
  endCounts: false,      // a row with only a removal of another code in flight has the code that it waits with (rule 12b)
  c4: false,             // C4 is checked: no code is unsubscribed that a row has, in the table and by the newest streamed change
  hint: false,           // an incomplete version of the stream keeps its code (rule 12b counts it)
  rejected: 'once',      // a row that is rejected gives its codes up, though it keeps them (rule 12a): once (not if it was rejected before) | always | none
  handOver: true,        // a code that is left to a row that only waits with it becomes a former code of that row, durably, in the same write
}
/** Options of rule 18 with shared codes, and C4. */
export const OWE = { owe: true, hint: true, endCounts: true, c4: true }
const lacks = (v, w) => (w & ~v) !== 0
export function codesModel(scn, rules0 = {}) {
  const R = { ...CODES, ...rules0 }, nT = scn.txs.length, rows = scn.base.map((_, k) => k)
  const codeOf = (c) => (c === '-' || c === '?' ? null : c[0]), isBad = (c) => c[1] === '!'
  const writes = (t, k) => scn.txs[t].find(([kk]) => kk === k)
  const clone = (s) => JSON.parse(JSON.stringify(s))
  const newest = (s, k, mask) => { let v = 0, c = scn.base[k], at = 0; for (let t = 0; t < nT; t++) { const w = writes(t, k); if (w && (mask >> t) & 1) { v |= 1 << t; if (s.lsn[t] > at) { at = s.lsn[t]; c = w[1] } } } return [v, c] }
  const committed = (s) => { let m = 0; for (let t = 0; t < nT; t++) if (s.tx[t]) m |= 1 << t; return m }
  const visible = (s) => { let m = 0; for (let t = 0; t < nT; t++) if (s.tx[t] === 2) m |= 1 << t; return m }
  const newestLsn = (s, v) => { let l = 0; for (let t = 0; t < nT; t++) if ((v >> t) & 1) l = Math.max(l, s.lsn[t]); return l }
  const endLsn = (s, k, v) => { let l = 99; for (let t = 0; t < nT; t++) if (writes(t, k) && s.tx[t] && !((v >> t) & 1)) l = Math.min(l, s.lsn[t]); return l }
  const bits = (v) => { const r = []; for (let t = 0; t < nT; t++) if ((v >> t) & 1) r.push(`T${t + 1}`); return r.length ? `{${r}}` : '0' }
  const init = () => ({
    tx: scn.txs.map(() => 0), lsn: scn.txs.map(() => 0), wal: 0, pos: 0, u: 0,
    api: Object.fromEntries(['X', 'Y'].map((x) => { const k = scn.api?.[x] ?? rows.findIndex((k) => codeOf(scn.base[k]) === x); return [x, k < 0 ? null : [k, 0, scn.base[k]]] })),
    dur: { rows: rows.map((k) => (scn.base[k] === '-' ? null : { code: scn.base[k][0], former: '', fp: scn.base[k], lsn: 0, xid: 0, to: 0, owed: 0, next: '' })), cp: 0, h: 0, to: 0, codeTo: {} },
    mem: null, wait: rows.map(() => null), fly: rows.map(() => null), known: rows.map(() => 0), read: null, reads: scn.reads ?? 0, crashes: scn.crashes ?? 0, nread: 0,
  })
  const memRows = (s) => (s.mem ??= clone(s.dur.rows))
  const blank = () => ({ code: null, former: '', fp: null, lsn: 0, xid: 0, to: 0, owed: 0, next: '' })
  const accepted = ({ dl, ...row }) => row // no dead letter any more
  const has = (row, x) => !!row && (row.code === x || row.former.includes(x)) // mediQuo may have it from this row
  const held = (s) => s.pos < s.u
  const cpOf = (s) => { const d = []; for (const k of rows) for (const p of [s.wait[k], s.fly[k]]) if (p?.debt) d.push(p.debt); return d.length ? Math.max(s.dur.cp, Math.min(...d) - 1) : s.pos }
  const record = (s) => { const cp = cpOf(s); s.dur.rows = clone(memRows(s)); s.dur.cp = cp; for (const k of rows) if (!s.wait[k] && !s.fly[k]) s.known[k] = 0 }
  const min0 = (a, b) => (a && b ? Math.min(a, b) : a || b)
  function put(s, k, p) { const w = s.wait[k]; if (w) { p.debt = min0(p.debt, w.debt); p.owed ||= w.owed } if (R.owe && memRows(s)[k]?.owed) p.owed = 1; s.wait[k] = p }
  /** Takes the row's code from it in STATE: another row with the code must be sent again. */
  function gaveUp(s, k, code, durably) {
    if (!code) return
    const m = memRows(s)
    for (const o of rows) {
      if (o === k || !has(m[o], code) || R.onLeave === 'none') continue
      m[o].fp = null
      if (R.onLeave === 'owed') m[o].owed = 1
      if (R.owe && s.fly[o]) s.fly[o].owed = 0 // the version in flight is older than this
      if (durably) { s.dur.rows[o] ??= clone(m[o]); s.dur.rows[o].fp = null; if (R.onLeave === 'owed') s.dur.rows[o].owed = 1 }
      if (R.onLeave === 'doubt') continue
      if (s.wait[o]) s.wait[o].owed = 1
      else s.wait[o] = { c: '?', v: 0, lsn: 0, debt: 0, owed: 1, from: 9 }
    }
  }
  const noted = (s, k, code) => memRows(s)[k]?.next.includes(code) && (R.oweNotedWhen === 'always' || (!s.fly[k] && (!s.wait[k] || (s.wait[k].c === '?' && !s.wait[k].hint))))
  const holder = (s, k, code) => rows.find((o) => o !== k && (has(memRows(s)[o], code) || (R.owe && noted(s, o, code)) || [s.wait[o], s.fly[o]].some((p) => p && (p.hint ? p.hint === code : p.c !== '?' && !isBad(p.c) && (R.endCounts || !p.end) && codeOf(p.c) === code))))
  const older = (a, b) => (a.from !== b.from ? a.from < b.from : a.lsn < b.lsn) // from: 0 the stream, else the number of the read
  function settle(s, k, p, row) { // the version is settled; row: the new row of STATE
    const m = memRows(s), before = m[k]?.code ?? null
    m[k] = row
    if (row) { row.lsn = Math.max(row.lsn, p.lsn); if (p.xid) row.xid = p.xid; if (p.owed) { row.owed = 0; row.next = '' } }
    if (before && before !== (row?.code ?? null)) gaveUp(s, k, before, false)
  }
  const forget = (row, x) => { if (row.code === x) { row.code = null; row.fp = null } row.former = row.former.replace(x, '') }
  const busy = (s, code) => rows.some((o) => s.fly[o] && s.fly[o].code === code)
  function steps(s0) {
    const out = []
    const step = (label, f, optional) => { const s = clone(s0); memRows(s); const v = f(s); out.push([typeof label === 'function' ? label(s) : label, s, v ?? null, optional]) }
    // the database: a whole transaction is one step; row locks until it is visible
    for (let t = 0; t < nT; t++) {
      if (s0.tx[t] === 0 && scn.txs[t].every(([k]) => scn.txs.every((w, u) => u === t || s0.tx[u] !== 1 || !w.some(([kk]) => kk === k))) && (scn.inOrder === false || t === 0 || s0.tx[t - 1]))
        step(`T${t + 1} commit record (lsn ${s0.wal + 1}): ${scn.txs[t].map(([k, c]) => `k${k}=${c}`).join(' ')}`, (s) => { s.tx[t] = 1; s.lsn[t] = ++s.wal })
      if (s0.tx[t] === 1) step(`T${t + 1} visible`, (s) => { s.tx[t] = 2 })
    }
    // the stream
    if (s0.pos < s0.wal) {
      const t = s0.lsn.indexOf(s0.pos + 1)
      step(`stream delivers T${t + 1}`, (s) => {
        const lsn = ++s.pos, m = memRows(s)
        const ws = [...scn.txs[t]].sort((a, b) => (a[1] === '-' ? 0 : 1) - (b[1] === '-' ? 0 : 1))
        for (const [k, c] of ws) {
          if (m[k] && lsn <= m[k].lsn) continue
          s.known[k] |= 1 << t
          const code = codeOf(c)
          let inc = lsn <= (m[k]?.to ?? 0)
          if (R.guard === 'code' && code) inc ||= rows.some((o) => m[o]?.code === code && lsn <= m[o].to)
          if (R.guard === 'ever' && code) inc ||= lsn <= (s.dur.codeTo[code] ?? 0)
          if (R.guard === 'global') inc ||= lsn <= s.dur.to
          let v = 0; for (let u = 0; u < nT; u++) if (writes(u, k) && s.tx[u] && s.lsn[u] <= lsn) v |= 1 << u
          put(s, k, { c: inc ? '?' : c, v: inc ? 0 : v, lsn, xid: t + 1, debt: lsn, owed: 0, from: 0, ...(R.hint && inc && code && { hint: code }) })
        }
      })
    }
    // reads: one at a time; of rows that must be read, and of other rows
    const m0 = s0.mem ?? s0.dur.rows
    if (!s0.read && !held(s0)) {
      const take = (keys, why, optional) => step(`${why} sees ${bits(visible(s0))} P=${s0.wal}: ${keys.map((k) => `k${k}=${newest(s0, k, visible(s0))[1]}`).join(' ')}`, (s) => { s.read = { keys, mask: visible(s), p: s.wal, n: ++s.nread }; if (optional) s.reads-- }, optional)
      for (const k of rows) if (s0.wait[k]?.c === '?') take([k], 'read again')
      if (R.owe) for (const k of rows) if (m0[k]?.owed && !s0.wait[k] && !s0.fly[k]) take([k], 'owed read')
      if (s0.reads) { for (const k of rows) take([k], 'read', true); take(rows, 'read', true) }
    }
    if (s0.read) step('read merged', (s) => {
      const { keys, mask, p, n } = s.read, m = memRows(s); s.read = null
      for (const k of keys) {
        if (lacks(mask, s.known[k]) || (m[k]?.xid && !((mask >> (m[k].xid - 1)) & 1))) continue // rule 4
        const [v, c] = newest(s, k, mask)
        if (c === '-' && !(m[k]?.code || m[k]?.former || (R.oweKnown && m[k]?.owed) || s.wait[k] || s.fly[k])) continue // rule 5
        let lsn = m[k]?.lsn ?? 0; for (let t = 0; t < nT; t++) if ((s.known[k] >> t) & 1) lsn = Math.max(lsn, s.lsn[t])
        put(s, k, { c, v, lsn: Math.max(lsn, s.wait[k]?.lsn ?? 0), xid: 0, debt: 0, owed: 0, from: n, p, mask })
        s.known[k] = 0
      }
      // numbers of reads only order the waiting versions
      const waiting = rows.flatMap((k) => [s.wait[k], s.fly[k]]).filter((q) => q?.from && q.from !== 9)
      const used = [...new Set(waiting.map((q) => q.from))].sort((a, b) => a - b)
      for (const q of waiting) q.from = used.indexOf(q.from) + 1
      s.nread = used.length
    })
    // delivery
    for (const k of rows) {
      const p = s0.wait[k]
      if (R.owe && p && p.p === undefined && !s0.fly[k]) step(`k${k} ${p.c}: waiting version dropped, owed from now on; recorded`, (s) => {
        const m = memRows(s), r = (m[k] ??= blank()), code = p.hint ?? codeOf(p.c)
        if (R.oweFp === 'null') r.fp = null
        r.owed = 1
        let { lsn, xid } = p
        if (R.oweLabel === 'known') for (let t = 0; t < nT; t++) if ((s.known[k] >> t) & 1 && s.lsn[t] > lsn) { lsn = s.lsn[t]; xid = t + 1 }
        if (R.oweLabel && lsn > r.lsn) { r.lsn = lsn; if (xid) r.xid = xid }
        if (p.xid !== undefined && R.oweNext === 'last') r.next = code ?? ''
        if (R.oweNext === 'set' && code && !r.next.includes(code)) r.next = [...r.next, code].sort().join('')
        s.wait[k] = null
        record(s)
      }, true)
      if (p && p.c !== '?' && !s0.fly[k] && !held(s0)) {
        const m = memRows(s0)[k], code = codeOf(p.c), kept = (isBad(p.c) && m?.code) || code, old = [m?.code, ...(m?.former ?? '')].find((x) => x && x !== kept) ?? null
        const send = (s, x, what) => { // the intent is stored before it leaves
          const w = s.wait[k], M = memRows(s), row = M[k] ?? blank()
          const before = row.code
          let bad = null
          row.fp = null
          if (R.oweIntent === 'clear') row.owed = 0
          if (!what.end) { row.code = x; row.former = row.former.replace(x, '') }
          if (w.p !== undefined) { row.to = Math.max(row.to, w.p); s.dur.to = Math.max(s.dur.to, w.p); if (R.guard === 'ever') s.dur.codeTo[x] = Math.max(s.dur.codeTo[x] ?? 0, w.p) }
          M[k] = row
          const d = s.dur.rows[k] ?? { ...row, lsn: 0, xid: 0, owed: 0 }
          if (!R.oneWrite)
          s.dur.rows[k] = { ...d, code: row.code, former: row.former, fp: null, to: row.to }
          if (w.p === undefined) s.dur.h = Math.max(s.dur.h, w.lsn)
          if (R.onSend === 'doubt') for (const o of rows) if (o !== k && M[o]?.code === x) { M[o].fp = null; if (s.dur.rows[o]?.code === x) s.dur.rows[o].fp = null }
          if (before && before !== row.code) gaveUp(s, k, before, true)
          if (what.end && R.c4) for (const o of rows) {
            let streamed = 0; for (let t = 0; t < nT; t++) if (s.lsn[t] && s.lsn[t] <= s.pos) streamed |= 1 << t
            if (o !== k && !isBad(newest(s, o, committed(s))[1]) && codeOf(newest(s, o, committed(s))[1]) === x && codeOf(newest(s, o, streamed)[1]) === x) bad = `C4: ${x} is ended for k${k} although k${o} has it`
          }
          s.wait[k] = null
          s.fly[k] = { ...w, ...what, code: x, st: 1 }
          if (R.oneWrite) record(s)
          return bad
        }
        // the version in flight may be the removal of another code of its row
        const first = (x) => !R.order || !rows.some((o) => { const q = s0.wait[o] ?? (s0.fly[o]?.end ? s0.fly[o] : null); return o !== k && q && codeOf(q.c) === x && older(q, p) })
        if (old && R.policy === 'unsubscribe' && (R.endFirst || p.c === '-')) {
          // the code that the row gives up: left to another row, or unsubscribed
          if (R.holders && holder(s0, k, old) !== undefined) step(`k${k} leaves ${old} to another row`, (s) => {
            const M = memRows(s), o = holder(s, k, old)
            if (R.handOver && !has(M[o], old)) { M[o] ??= blank(); M[o].former += old }
            forget(M[k], old); gaveUp(s, k, old, false)
          })
          else if (!busy(s0, old)) step(`send the end of ${old} for k${k}`, (s) => send(s, old, { end: 1 }))
        } else if (isBad(p.c)) {
          step(`k${k} ${p.c} is rejected: settled`, (s) => {
            const w = s.wait[k], before = memRows(s)[k]; s.wait[k] = null
            settle(s, k, w, { ...(before ?? blank()), code: kept, fp: null, dl: 1 })
            if (before && (R.rejected === 'always' || (R.rejected === 'once' && !before.dl))) for (const x of [before.code, ...before.former]) gaveUp(s, k, x, false)
          })
        } else if (p.c === '-') {
          step(`k${k} is gone: settled`, (s) => { const w = s.wait[k]; s.wait[k] = null; const r = memRows(s)[k] ?? blank(); settle(s, k, w, { ...accepted(r), code: null, former: '', fp: null }) })
        } else if (m?.code === code && m.fp === p.c) {
          step(`k${k} ${p.c} equals the fingerprint: settled`, (s) => { const w = s.wait[k]; s.wait[k] = null; settle(s, k, w, { ...memRows(s)[k] }) })
        } else if (!busy(s0, code) && first(code)) step(`send k${k} ${p.c} v${bits(p.v)}`, (s) => send(s, code, { end: 0 }))
      }
      const f = s0.fly[k]
      if (f?.st === 1) step((s) => (f.end ? `API applies the end of ${f.code} (k${k})` : `API applies k${k} ${f.c} v${bits(f.v)}`), (s) => {
        const a = s.api[f.code], x = f.code
        s.fly[k].st = 2
        if (a && !f.end) {
          const back = a[0] === k ? lacks(f.v, a[1]) : endLsn(s, k, f.v) <= newestLsn(s, a[1]) && !(f.mask !== undefined && !lacks(f.mask, a[1]))
          if (back && a[2] !== f.c) return `C2: ${x} goes back from k${a[0]} ${a[2]} v${bits(a[1])} to k${k} ${f.c} v${bits(f.v)}`
        }
        // unsubscribed although the row that has it took it at or after the position at which the unsubscribing row gave it up
        if (f.end && a && a[0] !== k && newestLsn(s, a[1]) >= newestLsn(s, f.v) && codeOf(newest(s, a[0], committed(s))[1]) === x) return `C2: ${x} is ended for k${k} v${bits(f.v)} although k${a[0]} has it, v${bits(a[1])}`
        s.api[x] = f.end ? null : [k, f.v, f.c]
      })
      if (f?.st === 2) step(`answer for k${k}`, (s) => {
        const g = s.fly[k]; s.fly[k] = null
        const r = memRows(s)[k]
        if (g.end) { // the row's own version is still to be sent
          forget(r, g.code); gaveUp(s, k, g.code, false)
          const { st, end, code, ...w } = g
          if (s.wait[k]) { s.wait[k].debt = min0(s.wait[k].debt, w.debt); s.wait[k].owed ||= w.owed } else s.wait[k] = w
        } else settle(s, k, g, { ...accepted(r), code: g.code, fp: g.c })
      })
    }
    // recording, crash
    const probe = clone(s0); memRows(probe); record(probe)
    if (JSON.stringify(probe.dur) !== JSON.stringify(s0.dur)) step(`recorded, checkpoint ${probe.dur.cp}`, record)
    if (s0.crashes) step(`CRASH, restart from checkpoint ${s0.dur.cp}, U=${s0.dur.h}`, (s) => {
      s.crashes--; s.mem = null; s.pos = s.dur.cp; s.u = s.dur.h; s.wait = rows.map(() => null); s.fly = rows.map(() => null); s.known = rows.map(() => 0); s.read = null; s.nread = 0
      if (!R.owe) for (const k of rows) if (s.dur.rows[k]?.owed) s.wait[k] = { c: '?', v: 0, lsn: 0, debt: 0, owed: 1, from: 9 }
    }, true)
    return out
  }
  const quiet = (s) => { const p = clone(s); memRows(p); record(p); return s.tx.every((x) => x === 2) && s.pos === s.wal && rows.every((k) => !s.wait[k] && !s.fly[k] && !(R.owe && (s.mem ?? s.dur.rows)[k]?.owed)) && !s.read && JSON.stringify(p.dur) === JSON.stringify(s.dur) }
  const check = (s) => {
    for (const x of ['X', 'Y']) {
      const live = rows.map((k) => newest(s, k, committed(s))[1]).filter((c) => codeOf(c) === x)
      const sendable = live.filter((c) => !isBad(c)), isKept = (s.mem ?? s.dur.rows).some((r) => r?.dl && has(r, x))
      if (sendable.length && !sendable.includes(s.api[x]?.[2])) return `C1: ${x}: table ${live.join(' or ')}, API ${s.api[x] ? s.api[x][2] : 'nothing'}`
      if (!live.length && !isKept && s.api[x] && R.policy === 'unsubscribe') return `C1: ${x}: no row has it, API still ${s.api[x][2]}`
    }
    return null
  }
  return { init, steps, quiet, check }
}
/** Creates a model: codes('Xa Xb', ['1Yc', '0Xc 1-']) */
export function codes(base, txs, more = {}) {
  const d = ['reads', 'crashes'].filter((k) => more[k]).map((k) => `, ${more[k]} ${k}`).join('')
  return { name: `${base} | ${txs.join(' | ')}${d}`, base: base.split(' '), txs: txs.map((t) => t.split(' ').map((w) => [+w[0], w.slice(1)])), ...more }
}
export function* suite() {
  const first = { api: { X: 1 } }
  for (const c of [0, 1]) for (const r of [0, 1]) {
    const m = { crashes: c, reads: r }
    yield codes('Xa Xb', ['1Yc'], { ...m, ...first })
    yield codes('Xa Xb', ['1-'], { ...m, ...first })
    yield codes('Xa -', ['1Xb', '1-'], m)
    yield codes('Xa -', ['1Xb', '1Yb'], m)
    yield codes('Xa Xb', ['1-', '0-'], { ...m, ...first })
    yield codes('Xa Yb', ['0Ya 1Xb'], m)
    yield codes('Xa -', ['0-', '1Xb'], m)
    yield codes('Xa -', ['0Yc', '1Xb'], m)
    yield codes('Xa -', ['0Xc', '0-', '1Xb'], m)
    yield codes('Xa -', ['0- 1Xb', '1-'], m)
    yield codes('Xa Yb', ['1Xb', '0-'], m)
    yield codes('Xa Xb', ['1Xc', '1-'], m)
  }
  const one = { crashes: 1, reads: 1 }
  yield codes('- -', ['0Xa', '0Ya', '1Xb'], one)
  yield codes('Xa -', ['0Xc', '0Yc', '1Xb', '1Yb'], { crashes: 1, reads: 1 })
  yield codes('Xa -', ['0Xc', '0-', '1Xb', '1Yb'], { crashes: 1, reads: 1 })
  yield codes('Xa -', ['1Xb', '0Xc', '1-'], one)
  yield codes('Xa -', ['1Xb', '1-', '0Xc', '0Xa'], { crashes: 1 })
}
/** Rows that are rejected (rule 12a). */
export function* rejectedSuite() {
  for (const m of [{}, { reads: 1 }, { crashes: 1 }]) {
    yield codes('Xa Xb', ['1X!'], { ...m, api: { X: 1 } })
    yield codes('Xa Xb', ['1X!', '0X!'], { ...m, api: { X: 1 } })
    yield codes('Xa Xb', ['1Y!', '1-'], { ...m, api: { X: 1 } })
    yield codes('Xa -', ['0X!', '1Xb'], m)
    yield codes('Xa Yb', ['1X!', '0-'], m)
  }
}
if (process.argv[1]?.endsWith('codes.mjs')) {
  const rules = eval('(' + (process.argv[2] ?? '{}') + ')')
  const limit = +(process.argv[4] ?? 1e6)
  for (const policy of (process.argv[3] ?? 'unsubscribe,ignore').split(',')) {
    let n = 0, states = 0, bad = null; const t = Date.now()
    for (const scn of suite()) { n++; const r = bfs(codesModel(scn, { policy, ...rules }), { limit }); states += r.states; if (r.truncated) console.log('truncated', scn.name); if (!r.ok) { bad = { ...r, scn: scn.name }; break } }
    if (bad) show(`${policy} ${JSON.stringify(rules)}`, bad)
    else console.log(`${policy} ${JSON.stringify(rules)}: ${n} instances, ${states.toLocaleString('en')} states, ${((Date.now() - t) / 1000).toFixed(0)} s, no violation`)
  }
}
