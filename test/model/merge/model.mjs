// Explicit-state model of the merge of a logical replication stream with table reads. A state is one Uint8Array of fixed layout. The
// exploration is breadth first, so every counter-example is a shortest one.
export const ABSENT = 0, INVALID = 9, FLAKY = 8, REMOVED = 15, DEAD = 128
const IDLE_MAX = 9, COMMITTED = 10, VISIBLE = 11, ABORTED = 12

/** Final rules of the exploration (docs/internals/merge-rules.md). Override a field to drop or weaken a rule. */
export const FULL = {
  R1: 'on',            // on | off | mem (forgets at a crash) | dur (durable STATE only)
  R2: 'join',          // join (debt joins the waiting version) | settle (settles immediately) | off
  R2absent: false,     // R2 also for keys that the read did not return (remembering ranges, not keys)
  R3: 'on',            // on | off
  readLsn: 'keep',     // STATE.lsn of a version from a read: keep (last streamed change it contains) | P
  readSnap: false,     // STATE also keeps the snapshot and P of an accepted read: R2 survives a crash
  R4: 'on',            // on | off | blind (ignores doubt)
  doubtAfterRestart: true, // streamed change with STATE.lsn < lsn <= W (WAL end at restart): R4 off
  dlClearsFp: true,    // a dead letter drops the fingerprint
  intent: true,        // before a request leaves, durably: fingerprint dropped, the row is known
  readTo: 'global',    // P of a sent read version is stored with the intent: global (R, one number, only rises) | row (with the row) | false
  rSettled: false,     // R is raised by reads that are settled without a request as well (failover.mjs needs it; here it only costs reads)
  afterReadTo: 'read', // streamed change with lsn <= that P which 3c does not settle: read (incomplete, read again) | send
  hz: 'stream',        // what raises H: stream (lsn of streamed versions that leave) | label (also the label of read versions) | P (also P of read versions)
  holdFull: 'drop',    // one payload too many in the hold: drop (payload dropped, key and debt kept: incomplete) | keep | lose (key and debt dropped as well)
  readsInHold: false,  // reads do not wait for U
  holdPause: false,    // the stream is paused when memory is full in the hold too
  marks: 'forget',     // more than scn.marksN marks of reads: forget (the oldest) | block (start no read) | oldest (the oldest become one range) | all (all become one range)
  range: 'read',       // change of a key without a mark, inside the range: read (incomplete) | swallow | send
  known: 'set',        // rule 4's test: last (xid of the streamed change with the largest lsn) | set (every streamed xid not yet seen by a merged read)
  relDelete: 'read',   // deletes of a row with related tables: read (incomplete as well) | send
  relChange: 'read',   // streamed changes of the patient's row with related tables: read (incomplete) | send (with the related part of the last version)
  resync: 'ok',        // ok | nogap (reads do not wait) | later (the backfill is recorded later than the checkpoint) | running (backfill only of keys that STATE does not have)
  resyncWaiting: 'read', // waiting versions at a resync: read (made incomplete) | keep | drop
  resyncClaims: 'drop', // an earlier version settles no debt of the new backfill: drop | keep
  resyncKnown: 'keep', // known(K) at a resync: keep | forget
  removeUnknownSpared: false, // a remove of a key without a row in STATE is not sent
  hold: 'H',           // after a restart nothing is sent or read until the stream has passed: W (WAL end at restart) | H (durable horizon,
                       // raised before a request that carries anything newer) | reads (only reads wait for W) | false
  serialReads: true,   // the next snapshot is taken after the last read was merged
  readOrder: false,    // a read older than one already merged is discarded (needed if reads overlap)
  swallowState: false, // a change swallowed by R2 after the read was settled leaves its lsn and xid in STATE (needed if reads overlap)
  live: 'replace',     // replace | wins (waiting live change wins, read forgotten) | winsR2 (.., snapshot remembered)
  absent: 'remove',    // remove (an absent key known to us is a delete) | ignore
  tomb: 'xmin',        // when a tombstone may go: keep | xmin+P (and the checkpoint is past readTo) | xmin+cp | xmin | cp | early
  forgetKnown: true,   // in-memory xid of a key dropped once recorded in STATE
  debt: 'move',        // coalescing: move | cancel
  slotWait: true,      // first read waits until everything running at the slot's creation has ended
  maxKnown: true,      // re-delivered older change does not lower the known xid
  dlRelease: true,     // any newer settled version releases a dead letter
  removeUnknown: true, // a remove of a key that STATE does not know is sent nevertheless
  bfDoubt: true,       // keys that a backfill of an earlier run has not settled yet: R4 off
  c3: true,            // C3 is checked
  c2: 'strict',        // strict | rec (not below what is recorded) | life (monotone in one life)
  lazy: true,          // settled in memory, recorded later (else immediately)
  owe: false,          // a waiting version may be dropped, and its row is owed: false | stream (streamed versions) | any (versions of reads as well)
  oweLabel: true,      // the drop stores the lsn and xid of the newest streamed change with the row
  oweXid: 'on',        // rule 4 for an owed row: on (the read sees the stored xid) | off (the stored xid is ignored)
                       // | all (the stored xid is the largest one of known(K), and the read sees every xid up to it)
  oweFp: 'null',       // fingerprint at the drop: null | keep
  oweIntent: 'keep',   // the intent: keep | clear (the row is no longer owed)
  oweKnown: 'on',      // an owed row that a read does not find: on (it is known) | off (only its code makes it known) | clear (.., and it is no longer owed)
  oweClear: 'newer',   // what clears owed: newer (any version settled, all are newer than the drop) | read (only a version of a read)
  oweClaim: 'settle',  // debt of a backfill on the dropped version: settle (owed covers it) | keep (the backfill reads the key again)
  oweInFlight: false,  // also while a request of the row is in flight
  oweDoubt: false,     // accepted while an older request is lost: false (fingerprint is stored) | once (fingerprint null, owed; the next acceptance ends it)
                       // | dead (.., until the acceptance of a request that was sent after the older one could no longer be applied)
  lateHold: true,      // after a restart nothing is sent until no request of earlier runs can be applied
}

/** Rules of the first check (before the changes D1 to D7), as changes to FULL. */
export const FIRST = { intent: false, readTo: false, hz: 'P', known: 'last', readSnap: true, tomb: 'xmin+cp', marks: 'block' }

export function makeModel(scn, rules0 = {}) {
  const R = { ...FULL, ...rules0 }
  const nK = scn.base.length, nT = scn.txs.length, nR = R.serialReads ? 1 : (scn.maxOutstanding ?? 2)
  let o = 0
  const at = (n) => { const r = o; o += n; return r }
  const TX = at(nT), XID = at(nT), LSN = at(nT), TV = at(nT * nK)
  const NX = at(1), WAL = at(1)
  const APIV = at(nK), APIC = at(nK), LIFE = at(nK), SENT = at(nK)
  const F = 11 // durable fields per key: fp lsn tx dl ver snapMask snapP bf doubt(row exists, fp unknown) readTo owed
  const FP = 0, SL = 1, ST = 2, DL = 3, SV = 4, SM = 5, SP = 6, BF = 7, SD = 8, RT = 9, OW = 10
  const DUR = at(nK * F), MEM = at(nK * F), CP = at(1), HZ = at(1), RTG = at(1)
  const POS = at(1), W = at(1), RG = at(1), GAP = at(1), RESP = at(1), PASSREC = at(1)
  const KL = at(nK), KT = at(nK), KS = at(nK), DOUBT = at(nK), R2M = at(nK), R2P = at(nK)
  const V = 9 // version fields: has ver content lsn tx debt bf incomplete|state src(mask) ; P follows
  const PEND = at(nK * (V + 1)), INFL = at(nK * (V + 1))
  const HAS = 0, VER = 1, CON = 2, VL = 3, VT = 4, DEBT = 5, VBF = 6, X = 7, VM = 8, VP = 9
  const RD = 4 + 2 * nK // has kind(keys mask) mask P, then ver, content per key
  const READS = at(nR * RD)
  const B_READ = at(1), B_CRASH = at(1), B_TIME = at(1), B_RES = at(1), B_LATE = at(1)
  const LATE = at(3 * nK) // a lost request that may still be applied: has ver content
  const SIZE = o
  const cp0 = scn.cp0 ?? 0
  const readSets = scn.readSets ?? [[...Array(nK).keys()]]
  const bfSets = scn.bfSets ?? [[...Array(nK).keys()]]
  const pend = (k) => PEND + k * (V + 1), infl = (k) => INFL + k * (V + 1)
  const mem = (k) => MEM + k * F, dur = (k) => DUR + k * F

  function init() {
    const s = new Uint8Array(SIZE)
    s[NX] = 1
    for (let k = 0; k < nK; k++) {
      const a = scn.api?.[k] ?? scn.base[k]
      s[APIC + k] = a
      const fp = scn.state?.[k] ?? (a === ABSENT ? 0 : a)
      s[dur(k) + FP] = s[mem(k) + FP] = fp
      s[dur(k) + BF] = s[mem(k) + BF] = scn.bf?.[k] ? 1 : 0
    }
    for (const t of scn.pre ?? []) { // already in the WAL before the slot's start, not yet visible
      s[XID + t] = s[NX]++; s[LSN + t] = ++s[WAL]; s[TX + t] = COMMITTED
      for (const [k] of scn.txs[t].w) s[TV + t * nK + k] = 1
    }
    s[B_RES] = scn.resyncs ?? 0
    s[CP] = s[POS] = s[HZ] = cp0
    s[B_READ] = scn.reads ?? 0; s[B_CRASH] = scn.crashes ?? 0; s[B_TIME] = scn.timeouts ?? 0; s[B_LATE] = scn.late ?? 0
    return s
  }
  const gapClosed = (s) => { for (let t = 0; t < nT; t++) if ((s[GAP] >> t) & 1 && !finished(s, t)) return false; return true }
  const finished = (s, t) => s[TX + t] === VISIBLE || s[TX + t] === ABORTED
  // A version of a key is the set of the transactions on it that it contains (bits); without related tables these sets are a chain.
  const RELATED = 128 // in TV: the transaction changed only rows related to the key
  function contentOf(t, k) { let c = -1; for (const [kk, cc] of scn.txs[t].w) if (kk === k && cc !== 'rel') c = cc; return c }
  function relOf(t, k) { let r = 0; for (const [kk, cc, bit] of scn.txs[t].w) if (kk === k && cc === 'rel') r |= bit; return r }
  const join = (c, rel) => (c === ABSENT || c === INVALID ? c : c + 2 * rel)
  function newest(s, k, mask = -1) { // version and content of key k; mask -1: every commit
    let v = 0, c = scn.base[k], top = 0, rel = 0
    for (let t = 0; t < nT; t++) {
      const tv = s[TV + t * nK + k]
      if (!tv || !(mask === -1 ? s[TX + t] === COMMITTED || s[TX + t] === VISIBLE : (mask >> t) & 1)) continue
      v |= 1 << t; rel |= relOf(t, k)
      if (tv !== RELATED && tv > top) { top = tv; c = contentOf(t, k) }
    }
    return [v, join(c, rel)]
  }
  function streamedVersion(s, k, t) { let v = 0; for (let u = 0; u < nT; u++) { const tv = s[TV + u * nK + k]; if (tv && tv !== RELATED && tv <= s[TV + t * nK + k]) v |= 1 << u } return v }
  function rowVersion(s, k) { let top = 0; for (let t = 0; t < nT; t++) { const tv = s[TV + t * nK + k]; if (tv !== RELATED && tv > top) top = tv } return top }
  const lacks = (v, w) => (w & ~v) !== 0 // v does not contain everything that w contains
  function visMask(s) { let m = 0; for (let t = 0; t < nT; t++) if (s[TX + t] === VISIBLE) m |= 1 << t; return m }
  function xmin(s) { let x = s[NX]; for (let t = 0; t < nT; t++) if (s[XID + t] && !finished(s, t)) x = Math.min(x, s[XID + t]); return x }
  const fpOf = (c) => (c === ABSENT ? REMOVED : c)
  const catchingUp = (s) => s[POS] < s[W]
  const holdSend = (s) => (R.hold === 'W' || R.hold === 'H') && catchingUp(s), holdRead = (s) => R.hold && !R.readsInHold && catchingUp(s)

  function cpOf(s) {
    let m = 255
    for (let k = 0; k < nK; k++) for (const p of [pend(k), infl(k)]) if (s[p] && s[p + DEBT]) m = Math.min(m, s[p + DEBT])
    return m === 255 ? s[POS] : Math.max(m - 1, s[CP])
  }
  function flush(s) {
    const cp = cpOf(s)
    s.copyWithin(DUR, MEM, MEM + nK * F)
    s[CP] = cp
    if (R.forgetKnown) for (let k = 0; k < nK; k++) if (!s[pend(k)] && !s[infl(k)]) { s[KL + k] = 0; s[KT + k] = 0; s[KS + k] = 0 }
    return checkC3(s)
  }
  function flushable(s) {
    for (let i = 0; i < nK * F; i++) if (s[DUR + i] !== s[MEM + i]) return true
    return cpOf(s) !== s[CP]
  }
  function checkC3(s) {
    if (!R.c3) return null
    for (let t = 0; t < nT; t++) {
      const l = s[LSN + t]
      if (!l || l > s[CP] || l <= cp0) continue
      for (let k = 0; k < nK; k++) {
        const tv = s[TV + t * nK + k]
        if (l <= s[RESP] && s[dur(k) + BF]) continue // a recorded backfill owes it
        if (s[dur(k) + OW]) continue // the row record owes it
        if (tv && lacks(s[APIV + k], 1 << t) && lacks(s[dur(k) + DL] & DEAD ? s[dur(k) + DL] : 0, 1 << t)) return `C3: checkpoint ${s[CP]} passed T${t + 1} (k${k}), API has ${vname(s[APIV + k])}`
      }
    }
    return null
  }
  // settle a version (accepted, no-op, dead letter) in memory
  function settle(s, k, p, how) {
    const m = mem(k), lost = how === 'ok' && R.oweDoubt && s[DOUBT + k] & 2
    if (how === 'ok') s[m + SV] = s[p + VER]
    if (R.rSettled && s[p + VP]) s[RTG] = Math.max(s[RTG], s[p + VP] - 1)
    const lsn = R.readLsn === 'P' && s[p + VP] ? Math.max(s[p + VP] - 1, s[p + VL]) : s[p + VL]
    if (lsn > s[m + SL]) { s[m + SL] = lsn }
    if (s[p + VT]) s[m + ST] = s[p + VT]
    if (R.readSnap) { s[m + SM] = s[p + VM]; s[m + SP] = s[p + VP] ? s[p + VP] - 1 : 0 }
    if (how === 'dl') { s[m + DL] = s[p + VER] | DEAD; s[m + SD] = 1; if (R.dlClearsFp) s[m + FP] = 0 }
    else { if (how === 'ok' || R.dlRelease) s[m + DL] = 0; if (how === 'ok') { s[m + FP] = fpOf(s[p + CON]); s[DOUBT + k] = 0 } }
    if (s[p + VBF]) s[m + BF] = 0
    if (R.oweClear === 'newer' || s[p + VP]) s[m + OW] = 0
    if (lost) { s[m + OW] = s[m + SD] = 1; s[m + FP] = 0; if (R.oweDoubt === 'dead') s[DOUBT + k] = 2 }
    if (how === 'noop' && s[APIC + k] === s[p + CON]) s[APIV + k] |= s[p + VER]
    s.fill(0, p, p + V + 1)
  }
  function owe(s, k, p) { // rule 18: the version is dropped, and the row record owes it
    const m = mem(k), newer = s[KL + k] >= s[p + VL], lsn = newer ? s[KL + k] : s[p + VL], tx = newer ? s[KT + k] : s[p + VT]
    if (R.oweLabel) {
      let x = lsn > s[m + SL] || !s[m + ST] ? tx : s[m + ST]
      if (R.oweXid === 'all') {
        x = s[m + OW] ? s[m + ST] : 0
        for (let t = 0; t < nT; t++) if (((s[KS + k] >> t) & 1 || tx === t + 1) && (!x || s[XID + t] > s[XID + x - 1])) x = t + 1
      }
      s[m + SL] = Math.max(s[m + SL], lsn); s[m + ST] = x
    }
    const hasCode = s[m + SD] || (s[m + FP] && s[m + FP] !== REMOVED)
    if (R.oweKnown === 'on' || hasCode) s[m + SD] = 1
    if (R.oweFp === 'null') s[m + FP] = 0
    if (s[p + VBF] && R.oweClaim === 'settle') s[m + BF] = 0
    s[m + OW] = 1
    s.fill(0, p, p + V + 1)
  }
  function unseenUpTo(s, tx, mask) { for (let t = 0; t < nT; t++) if (s[XID + t] && s[XID + t] <= s[XID + tx - 1] && s[TX + t] !== ABORTED && !((mask >> t) & 1)) return true; return false }
  function put(s, k, ver, con, lsn, tx, debt, bf, inc, mask, P) { // newest wins; the older one's debt moves
    const p = pend(k)
    if (s[p]) {
      if (R.debt === 'move' && s[p + DEBT]) debt = debt ? Math.min(debt, s[p + DEBT]) : s[p + DEBT]
      bf = bf || s[p + VBF]
    }
    s[p] = 1; s[p + VER] = ver; s[p + CON] = con; s[p + VL] = lsn; s[p + VT] = tx; s[p + DEBT] = debt; s[p + VBF] = bf
    s[p + X] = inc; s[p + VM] = mask; s[p + VP] = P
  }
  const marks = (s) => { let n = 0; for (let k = 0; k < nK; k++) if (s[R2P + k]) n++; return n }
  const payloads = (s, except) => { let n = 0; for (let k = 0; k < nK; k++) if (k !== except && s[pend(k)] && !s[pend(k) + X]) n++; return n }
  const waits = (s) => { let n = 0; for (let k = 0; k < nK; k++) n += (s[pend(k)] ? 1 : 0) + (s[infl(k)] ? 1 : 0); return n }
  function joinDebt(s, k, t, lsn) { // rule 3c
    const p = s[pend(k)] ? pend(k) : s[infl(k)] ? infl(k) : 0, m = mem(k)
    if (p) { s[p + DEBT] = s[p + DEBT] ? Math.min(s[p + DEBT], lsn) : lsn; if (lsn > s[p + VL]) { s[p + VL] = lsn; s[p + VT] = t + 1 } }
    else if (R.swallowState && lsn > s[m + SL]) { s[m + SL] = lsn; s[m + ST] = t + 1 }
  }
  function streamed(s, k, t, lsn) {
    const m = mem(k), isRelated = s[TV + t * nK + k] === RELATED
    if (R.R3 === 'on' && lsn <= s[m + SL]) { if (!R.maxKnown) { s[KL + k] = lsn; s[KT + k] = t + 1 } return } // 3a
    if (R.readSnap && s[m + SP] >= lsn && (s[m + SM] >> t) & 1 && !s[R2P + k]) { // 3c with what is durable (grade B)
      const p = s[pend(k)] ? pend(k) : s[infl(k)] ? infl(k) : 0
      if (p) s[p + DEBT] = s[p + DEBT] ? Math.min(s[p + DEBT], lsn) : lsn
      else if (R.swallowState && lsn > s[m + SL]) { s[m + SL] = lsn; s[m + ST] = t + 1 }
      return
    }
    if (R.maxKnown ? lsn >= s[KL + k] : true) { s[KL + k] = lsn; s[KT + k] = t + 1 } // 3b
    if (R.doubtAfterRestart && lsn <= s[W]) s[DOUBT + k] = 1
    const mark = R.R2 === 'off' ? 0 : s[R2P + k]
    if (R.R2 !== 'off' && mark && (s[R2M + k] >> t) & 1) { if (R.R2 !== 'settle') joinDebt(s, k, t, lsn); return } // 3c
    if (R.known === 'set') s[KS + k] |= 1 << t
    const inRange = !mark && lsn <= s[RG]
    if (inRange && R.range === 'swallow') return joinDebt(s, k, t, lsn)
    let con = isRelated ? ABSENT : contentOf(t, k), inc = 0
    if (scn.txs[t].toast?.includes(k) && con !== ABSENT) inc = 1 // 3d, 10
    if (isRelated || (scn.related && (con === ABSENT ? R.relDelete === 'read' : R.relChange === 'read'))) inc = 1
    if (R.afterReadTo === 'read' && (R.readTo === 'global' ? lsn <= s[RTG] : !mark && lsn <= s[m + RT])) inc = 1
    if (inRange && R.range === 'read') inc = 1
    if (scn.holdMost !== undefined && catchingUp(s) && !inc && payloads(s, k) >= scn.holdMost) {
      if (R.holdFull === 'lose') return
      if (R.holdFull === 'drop') inc = 1
    }
    let ver = inc ? 0 : streamedVersion(s, k, t)
    if (scn.related && con === ABSENT && !inc) for (let u = 0; u < nT; u++) if (s[TV + u * nK + k] && s[LSN + u] && s[LSN + u] <= lsn) ver |= 1 << u // a delete covers all of them
    if (inc) con = ABSENT
    else if (scn.related) con = join(con, 0)
    put(s, k, ver, con, lsn, t + 1, lsn, 0, inc, 0, 0) // 3d
  }
  function mergeRead(s, r) {
    const keys = s[r + 1], mask = s[r + 2], P = s[r + 3] - 1, isBf = keys & 0x80
    for (let k = 0; k < nK; k++) {
      if (!((keys >> k) & 1)) continue
      const ver = s[r + 4 + 2 * k], con = s[r + 5 + 2 * k], m = mem(k)
      const bf = isBf && s[m + BF] ? 1 : 0
      const joinBf = () => { if (!bf) return; const p = s[pend(k)] ? pend(k) : s[infl(k)] ? infl(k) : 0; if (p) s[p + VBF] = 1; else s[m + BF] = 0 }
      let stale = false
      if (R.R1 === 'on' || R.R1 === 'mem') stale ||= R.known === 'set' ? lacks(mask, s[KS + k]) : s[KT + k] && !((mask >> (s[KT + k] - 1)) & 1)
      if ((R.R1 === 'on' || R.R1 === 'dur') && s[m + ST] && !(s[m + OW] && R.oweXid === 'off')) stale ||= s[m + OW] && R.oweXid === 'all' ? unseenUpTo(s, s[m + ST], mask) : !((mask >> (s[m + ST] - 1)) & 1)
      if (R.readOrder && s[R2P + k] && (s[R2M + k] & ~mask)) stale = true
      if (stale) { joinBf(); continue }
      const p = pend(k)
      if (con === ABSENT) {
        const knownToUs = (s[m + FP] && s[m + FP] !== REMOVED) || s[p] || s[infl(k)] || s[DOUBT + k] || s[m + DL] || (s[m + FP] === 0 && s[m + SD]) || (R.oweKnown === 'on' && s[m + OW])
        if (R.absent === 'ignore' || !knownToUs) {
          if (R.R2absent && P > s[POS]) { s[R2M + k] = mask; s[R2P + k] = P }
          if (s[RESP] && s[APIC + k] === ABSENT) s[APIV + k] |= ver // for C3 only: inserted and deleted in what a resync skipped
          if (R.oweKnown === 'clear') s[m + OW] = 0
          joinBf(); continue
        }
      } else if (R.live !== 'replace' && s[p] && !s[p + VP] && !s[p + X]) {
        if (R.live === 'winsR2' && P > s[POS]) { s[R2M + k] = mask; s[R2P + k] = P }
        joinBf(); continue
      }
      const useMem = s[KL + k] >= s[m + SL]
      const lsn = Math.max(useMem ? s[KL + k] : s[m + SL], s[p] ? s[p + VL] : 0)
      const tx = useMem && s[KT + k] ? s[KT + k] : s[m + ST]
      put(s, k, ver, con, lsn, tx, 0, bf, 0, R.readSnap ? mask : 0, P + 1)
      s[KS + k] = 0 // S contains all of them, and so does every later snapshot
      if (R.doubtAfterRestart && catchingUp(s)) s[DOUBT + k] = 1
      if (P > s[POS]) { s[R2M + k] = mask; s[R2P + k] = P } else { s[R2M + k] = 0; s[R2P + k] = 0 }
    }
    s.fill(0, r, r + RD)
    boundMarks(s)
  }
  function boundMarks(s) { // past N marks the oldest are forgotten; or they become one range that reaches to the newest P among them
    if (scn.marksN === undefined || R.marks === 'block' || marks(s) <= scn.marksN) return
    const left = R.marks === 'all' ? 0 : scn.marksN
    while (marks(s) > left) {
      let o = -1
      for (let k = 0; k < nK; k++) if (s[R2P + k] && (o < 0 || s[R2P + k] < s[R2P + o])) o = k
      if (R.marks !== 'forget') s[RG] = Math.max(s[RG], s[R2P + o])
      s[R2P + o] = 0; s[R2M + o] = 0
    }
  }

  /** Calls emit(label, state, violation|null, optional?) for each step. */
  function succ(s0, emit) {
    let s
    const fork = () => (s = s0.slice())
    if (R.hold !== 'H') s0[HZ] = 0
    // --- the database
    for (let t = 0; t < nT; t++) {
      const st = s0[TX + t], tx = scn.txs[t]
      if (st < IDLE_MAX) {
        if (st === 0 && tx.after && tx.after.some((a) => !finished(s0, a))) continue
        if (st === 0 && tx.afterCommit && tx.afterCommit.some((a) => s0[TX + a] < COMMITTED)) continue
        if (st < tx.w.length) {
          const [k, con] = tx.w[st]
          let locked = false
          for (let u = 0; u < nT; u++) if (con !== 'rel' && u !== t && s0[TV + u * nK + k] && s0[TV + u * nK + k] !== RELATED && !finished(s0, u)) locked = true
          if (con === 'rel') { // no common lock with writers of the patient's row or of other related rows
            fork()
            if (!s[XID + t]) s[XID + t] = s[NX]++
            s[TV + t * nK + k] ||= RELATED; s[TX + t] = st + 1
            emit(`T${t + 1} writes a row related to k${k}`, s, null)
          } else if (!locked) {
            fork()
            if (!s[XID + t]) s[XID + t] = s[NX]++
            let v = rowVersion(s, k), c = scn.base[k]
            for (let u = 0; u < nT; u++) if (v && s[TV + u * nK + k] === v) c = contentOf(u, k)
            if (!(con === ABSENT && c === ABSENT)) s[TV + t * nK + k] = v + 1
            s[TX + t] = st + 1
            emit(`T${t + 1} writes k${k}=${name(con)}`, s, null)
          }
        } else {
          fork(); s[TX + t] = COMMITTED
          let any = false; for (let k = 0; k < nK; k++) any ||= s[TV + t * nK + k] > 0
          if (any) s[LSN + t] = ++s[WAL]
          emit(`T${t + 1} commit record (lsn ${s[LSN + t]})`, s, null)
        }
        if (tx.abort && st > 0 && st < IDLE_MAX) { fork(); s[TX + t] = ABORTED; for (let k = 0; k < nK; k++) s[TV + t * nK + k] = 0; emit(`T${t + 1} aborts`, s, null) }
      } else if (st === COMMITTED) { fork(); s[TX + t] = VISIBLE; emit(`T${t + 1} visible`, s, null) }
    }
    // --- the stream
    const full = scn.mem !== undefined && waits(s0) >= scn.mem && (!catchingUp(s0) || R.holdPause)
    if (s0[POS] < s0[WAL] && !full) {
      fork()
      const lsn = ++s[POS]
      let t = 0; while (s[LSN + t] !== lsn) t++
      for (let k = 0; k < nK; k++) if (s[TV + t * nK + k]) streamed(s, k, t, lsn)
      for (let k = 0; k < nK; k++) if (s[R2P + k] && s[POS] >= s[R2P + k]) { s[R2M + k] = 0; s[R2P + k] = 0 }
      if (s[POS] >= s[RG]) s[RG] = 0
      if (scn.holdMost !== undefined && catchingUp(s) && payloads(s, -1) > scn.holdMost) { emit(`stream delivers T${t + 1}`, s, `MEMORY: ${payloads(s, -1)} payloads held`); return }
      emit(`stream delivers T${t + 1}`, s, R.lazy ? null : flush(s))
    }
    // --- reads
    let free = -1, readingBf = 0
    for (let i = 0; i < nR; i++) { const r = READS + i * RD; if (!s0[r]) { if (free < 0) free = r } else if (s0[r + 1] & 0x80) readingBf |= s0[r + 1] & 0x7f }
    const slotOk = (!R.slotWait || (scn.pre ?? []).every((t) => finished(s0, t))) && gapClosed(s0) && !(R.marks === 'block' && scn.marksN !== undefined && marks(s0) > scn.marksN)
    if (free >= 0 && !holdRead(s0) && slotOk) {
      const take = (keys, bf, why, optional) => {
        fork()
        const mask = visMask(s)
        s[free] = 1; s[free + 2] = mask; s[free + 3] = s[WAL] + 1
        let km = bf ? 0x80 : 0
        for (const k of keys) { km |= 1 << k; const [v, c] = newest(s, k, mask); s[free + 4 + 2 * k] = v; s[free + 5 + 2 * k] = c }
        s[free + 1] = km
        if (optional) s[B_READ]--
        emit(`${why} snapshot sees {${bits(mask)}} P=${s[WAL]}: ${keys.map((k) => `k${k}=${vname(s[free + 4 + 2 * k])}:${name(s[free + 5 + 2 * k])}`).join(' ')}`, s, null, optional)
      }
      for (const set of bfSets) {
        if (set.some((k) => s0[mem(k) + BF] && !((readingBf >> k) & 1) && !(s0[pend(k)] && s0[pend(k) + VBF]) && !(s0[infl(k)] && s0[infl(k) + VBF]))) take(set, true, 'pass read', false)
      }
      for (let k = 0; k < nK; k++) if (s0[pend(k)] && s0[pend(k) + X]) {
        let busy = false; for (let i = 0; i < nR; i++) if (s0[READS + i * RD] && (s0[READS + i * RD + 1] >> k) & 1) busy = true
        if (!busy) take([k], false, 'TOAST read', false)
      }
      for (let k = 0; k < nK; k++) if (s0[mem(k) + OW] && !s0[pend(k)] && !s0[infl(k)]) {
        let busy = false; for (let i = 0; i < nR; i++) if (s0[READS + i * RD] && (s0[READS + i * RD + 1] >> k) & 1) busy = true
        if (!busy) take([k], false, 'owed read', false)
      }
      if (s0[B_READ]) for (const set of readSets) take(set, false, 'read', true)
    }
    for (let i = 0; i < nR; i++) if (s0[READS + i * RD]) { fork(); const why = s[READS + i * RD + 1] & 0x80 ? 'pass ' : ''; mergeRead(s, READS + i * RD); canonReads(s); emit(`${why}read merged`, s, R.lazy ? null : flush(s)) }
    // --- delivery
    const late = (s) => { for (let k = 0; k < nK; k++) if (s[LATE + 3 * k]) return true; return false }
    const lateWait = scn.late && R.lateHold && s0[B_CRASH] < (scn.crashes ?? 0) && late(s0)
    for (let k = 0; k < nK; k++) {
      const p = pend(k), f = infl(k), z = LATE + 3 * k
      if (R.owe && s0[p] && (!s0[f] || R.oweInFlight) && (R.owe === 'any' || !s0[p + VP])) {
        fork(); owe(s, k, p)
        const bad = flush(s)
        emit(`k${k}: waiting version dropped, owed from now on; recorded, checkpoint ${s[CP]}`, s, bad, true)
      }
      if (s0[z]) {
        fork(); s[APIV + k] = s[z + 1]; s[APIC + k] = s[z + 2]; s.fill(0, z, z + 3)
        emit(`API applies the lost request of k${k} ${vname(s[APIV + k])}:${name(s[APIC + k])}`, s, checkC3(s))
        fork(); s.fill(0, z, z + 3); emit(`the lost request of k${k} ends unapplied`, s, null)
      }
      if (s0[p] && !s0[f] && !s0[p + X] && !holdSend(s0) && !lateWait) {
        fork()
        const con = s[p + CON], fp = s[mem(k) + FP]
        const same = R.R4 !== 'off' && (fp === fpOf(con) || ((!R.removeUnknown || R.removeUnknownSpared) && con === ABSENT && fp === 0 && !s[mem(k) + SL] && !(R.removeUnknownSpared && s[mem(k) + SD]))) && (R.R4 === 'blind' || !s[DOUBT + k])
        if (con === INVALID) { settle(s, k, p, 'dl'); emit(`k${k} ${vname(s0[p + VER])} is invalid: dead letter`, s, R.lazy ? null : flush(s)) }
        else if (same) { settle(s, k, p, 'noop'); emit(`k${k} ${vname(s0[p + VER])}:${name(con)} equals the fingerprint: settled`, s, R.lazy ? null : flush(s)) }
        else {
          s.copyWithin(f, p, p + V + 1); s.fill(0, p, p + V + 1); s[f + X] = 1
          s[HZ] = Math.max(s[HZ], R.hz === 'P' && s[f + VP] ? s[f + VP] - 1 : R.hz === 'stream' && s[f + VP] ? 0 : s[f + VL])
          if (R.readTo === 'global' && s[f + VP]) s[RTG] = Math.max(s[RTG], s[f + VP] - 1)
          if (R.oweDoubt === 'dead' && s[DOUBT + k] & 2 && !s[z]) s[DOUBT + k] = 1 // sent after the older request could no longer be applied
          if (R.oweIntent === 'clear') s[dur(k) + OW] = s[mem(k) + OW] = 0
          if (R.intent) { s[dur(k) + FP] = 0; s[mem(k) + FP] = 0; s[dur(k) + SD] = s[mem(k) + SD] = 1
            if (R.readTo === 'row' && s[f + VP]) s[dur(k) + RT] = s[mem(k) + RT] = Math.max(s[mem(k) + RT], s[f + VP] - 1) }
          emit(`send k${k} ${vname(s[f + VER])}:${name(con)}`, s, null)
        }
      }
      if (s0[f] && s0[f + X] === 1) {
        fork()
        const v = s[f + VER], c = s[f + CON]
        let bad = null
        if (lacks(v, s[SENT + k]) && c !== s[APIC + k]) {
          if (R.c2 === 'strict' || lacks(v, s[LIFE + k]) || (R.c2 === 'rec' && lacks(v, s[dur(k) + SV]))) bad = `C2: k${k} goes back from ${vname(s[SENT + k])}:${name(s[APIC + k])} to ${vname(v)}:${name(c)}`
        }
        s[APIV + k] = s[SENT + k] = v; s[APIC + k] = c; if (R.c2 !== 'strict') s[LIFE + k] |= v; s[f + X] = 2
        emit(`API applies k${k} ${vname(v)}:${name(c)}`, s, bad ?? checkC3(s))
        if (c === FLAKY) { fork(); s[f + X] = 3; emit(`API rejects k${k} ${vname(v)}`, s, null) }
      }
      if (s0[f] && s0[f + X] >= 2) { fork(); const dl = s[f + X] === 3; settle(s, k, f, dl ? 'dl' : 'ok'); emit(`answer for k${k} ${vname(s0[f + VER])}: ${dl ? 'dead letter' : 'settled'}`, s, R.lazy ? null : flush(s)) }
      if (s0[f] && s0[B_TIME] && s0[f + X] < 3) {
        fork(); s[B_TIME]--
        s[DOUBT + k] = R.oweDoubt ? 2 : 1
        if (s[f + X] === 1 && s[B_LATE] && !s[z]) { s[B_LATE]--; s[z] = 1; s[z + 1] = s[f + VER]; s[z + 2] = s[f + CON] }
        if (s[p]) { if (s[f + DEBT]) s[p + DEBT] = s[p + DEBT] ? Math.min(s[p + DEBT], s[f + DEBT]) : s[f + DEBT]; s[p + VBF] ||= s[f + VBF] }
        else { s.copyWithin(p, f, f + V + 1); s[p + X] = 0 }
        s.fill(0, f, f + V + 1)
        emit(`no answer for k${k} ${vname(s0[f + VER])}: in doubt`, s, null, true)
      }
      // tombstones
      const m = mem(k)
      if (R.tomb !== 'keep' && s0[m + FP] === REMOVED && !s0[p] && !s0[f] && !s0[m + DL] && !s0[m + OW]) {
        let visibleToAll = true
        const t = s0[m + ST]
        if (t) { visibleToAll = s0[XID + t - 1] < xmin(s0); for (let i = 0; i < nR; i++) if (s0[READS + i * RD] && !((s0[READS + i * RD + 2] >> (t - 1)) & 1)) visibleToAll = false }
        const passed = s0[CP] >= s0[m + SL] && s0[CP] >= s0[m + SP], pastReadTo = s0[CP] >= s0[m + RT]
        if ((R.tomb === 'early') || (R.tomb === 'xmin' && visibleToAll) || (R.tomb === 'xmin+P' && visibleToAll && pastReadTo) || (R.tomb === 'cp' && passed) || (R.tomb === 'xmin+cp' && visibleToAll && passed)) {
          fork(); const bf = s[m + BF]; s.fill(0, m, m + F); s[m + BF] = bf; s[m + SV] = s0[m + SV]; s[KL + k] = 0; s[KT + k] = 0; s[KS + k] = 0
          emit(`tombstone of k${k} forgotten`, s, R.lazy ? null : flush(s), true)
        }
      }
    }
    // --- recording, crash
    if (R.lazy && flushable(s0)) { fork(); const bad = flush(s); emit(`recorded: STATE, checkpoint ${s[CP]}`, s, bad) }
    // The slot is moved to the end of the WAL (or created again there), and the checkpoint with it. The same write requests a backfill of
    // everything.
    if (s0[B_RES]) {
      fork(); s[B_RES]--
      s[CP] = s[POS] = s[RESP] = s[WAL]; s[RG] = 0
      if (R.resync !== 'nogap') for (let t = 0; t < nT; t++) if (s[XID + t] && !finished(s, t)) s[GAP] |= 1 << t
      for (let k = 0; k < nK; k++) {
        const m = mem(k), p = pend(k)
        if (R.resync === 'running' && (s[m + FP] || s[m + SL])) { /* taken for known */ } else { s[m + BF] = 1; if (R.resync !== 'later') s[dur(k) + BF] = 1 }
        s[R2P + k] = 0; s[R2M + k] = 0
        s[p + DEBT] = 0; s[infl(k) + DEBT] = 0
        if (s[p] && R.resyncWaiting === 'read') { s[p + X] = 1; s[p + VER] = s[p + CON] = s[p + VP] = s[p + VM] = 0 }
        if (s[p] && R.resyncWaiting === 'drop') s.fill(0, p, p + V + 1)
        if (R.resyncKnown === 'forget') { s[KL + k] = 0; s[KT + k] = 0; s[KS + k] = 0 }
        if (R.resyncClaims === 'drop') { s[p + VBF] = 0; s[infl(k) + VBF] = 0 }
      }
      for (let i = 0; i < nR; i++) s.fill(0, READS + i * RD, READS + (i + 1) * RD) // an open read is discarded
      emit(`RESYNC: slot and checkpoint to ${s[WAL]}, a pass is asked for`, s, R.resync === 'later' ? null : checkC3(s), true)
    }
    if (s0[B_CRASH]) {
      fork(); s[B_CRASH]--
      for (let k = 0; k < nK; k++) { const f = infl(k), z = LATE + 3 * k; if (s[f] && s[f + X] === 1 && s[B_LATE] && !s[z]) { s[B_LATE]--; s[z] = 1; s[z + 1] = s[f + VER]; s[z + 2] = s[f + CON] } }
      s.copyWithin(MEM, DUR, DUR + nK * F)
      s[POS] = s[CP]; s[W] = R.hold === 'H' ? s[HZ] : s[WAL]; s[RG] = 0
      s.fill(0, LIFE, LIFE + nK)
      s.fill(0, KL, READS + nR * RD)
      if (R.bfDoubt) for (let k = 0; k < nK; k++) if (s[mem(k) + BF]) s[DOUBT + k] = 1
      emit(`CRASH, restart from checkpoint ${s[CP]}, W=${s[W]}`, s, null, true)
    }
  }
  function canonReads(s) { // order of outstanding reads is immaterial
    if (nR < 2) return
    for (let i = 0; i + 1 < nR; i++) { const a = READS + i * RD, b = a + RD; if (!s[a] && s[b]) { s.copyWithin(a, b, b + RD); s.fill(0, b, b + RD) } }
  }
  function quiet(s) {
    for (let t = 0; t < nT; t++) if (!finished(s, t)) return false
    if (s[POS] !== s[WAL] || flushable(s)) return false
    for (let k = 0; k < nK; k++) if (s[pend(k)] || s[infl(k)] || s[mem(k) + BF] || s[mem(k) + OW] || s[LATE + 3 * k]) return false
    for (let i = 0; i < nR; i++) if (s[READS + i * RD]) return false
    return true
  }
  function checkQuiet(s) {
    for (let k = 0; k < nK; k++) {
      const [v, c] = newest(s, k), dl = s[mem(k) + DL]
      if (dl) { if ((dl & ~DEAD) !== v) return `C1: k${k} dead letter of ${vname(dl & ~DEAD)}, newest is ${vname(v)}` }
      else if (s[APIC + k] !== c) return `C1: k${k} table ${vname(v)}:${name(c)}, API ${vname(s[APIV + k])}:${name(s[APIC + k])}`
    }
    return null
  }
  return { init, succ, quiet, checkQuiet, SIZE }
}
export const name = (c) => (c === ABSENT ? 'none' : c === INVALID ? 'X(invalid)' : c === FLAKY ? 'Y(may be rejected)' : String.fromCharCode(64 + c))
export const vname = (v) => (v === 0 ? 'v0' : 'v{' + bits(v) + '}')
const bits = (m) => { const r = []; for (let t = 0; t < 8; t++) if ((m >> t) & 1) r.push('T' + (t + 1)); return r.join(',') }

/** Explores an instance. live: also checks that a quiet state can be reached from every state. */
export function explore(scn, rules, { limit = 6e6, live = false } = {}) {
  const M = makeModel(scn, rules)
  const dec = (str) => new Uint8Array(Buffer.from(str, 'latin1'))
  const enc = (s) => Buffer.from(s.buffer, s.byteOffset, s.length).latin1Slice()
  const index = new Map(), states = [], parent = []
  const add = (key, p) => { index.set(key, states.length); states.push(key); parent.push(p) }
  add(enc(M.init()), -1)
  let quietStates = 0, edges = 0
  const from = [], to = [], quiet = []
  const trace = (i, extra) => {
    const path = []
    for (let j = i; j > 0; j = parent[j]) {
      let lab = '?'
      M.succ(dec(states[parent[j]]), (l, s) => { if (lab === '?' && enc(s) === states[j]) lab = l })
      path.push(lab)
    }
    path.reverse(); if (extra) path.push(extra)
    return path
  }
  for (let i = 0; i < states.length; i++) {
    const s = dec(states[i])
    let required = 0, bad = null
    M.succ(s, (label, n, violation, optional) => {
      if (bad) return
      edges++
      if (!optional) required++
      if (violation) { bad = { violation, trace: trace(i, label) }; return }
      const key = enc(n)
      if (!index.has(key)) add(key, i)
      if (live) { from.push(i); to.push(index.get(key)) }
    })
    if (bad) return { ok: false, ...bad, states: states.length, edges }
    if (M.quiet(s)) {
      quietStates++
      if (live) quiet.push(i)
      const v = M.checkQuiet(s)
      if (v) return { ok: false, violation: v, trace: trace(i), states: states.length, edges }
    } else if (!required) return { ok: false, violation: 'DEADLOCK: not quiet, nothing can happen', trace: trace(i), states: states.length, edges }
    if (states.length > limit) return { ok: true, truncated: true, states: states.length, edges, quietStates }
  }
  if (live) { // backwards from the quiet states
    const n = states.length, start = new Int32Array(n + 1), into = new Int32Array(to.length), reaches = new Uint8Array(n)
    for (const t of to) start[t + 1]++
    for (let i = 0; i < n; i++) start[i + 1] += start[i]
    const at = start.slice(0, n)
    for (let e = 0; e < to.length; e++) into[at[to[e]]++] = from[e]
    for (const q of quiet) reaches[q] = 1
    while (quiet.length) { const q = quiet.pop(); for (let e = start[q]; e < start[q + 1]; e++) if (!reaches[into[e]]) { reaches[into[e]] = 1; quiet.push(into[e]) } }
    const stuck = reaches.indexOf(0)
    if (stuck >= 0) return { ok: false, violation: 'LIVELOCK: no quiet state can be reached', trace: trace(stuck), states: n, edges }
  }
  return { ok: true, states: states.length, edges, quietStates }
}
