// Row records of doubt.mjs, as src/pending/entry makes them (settled-row.ts, record-codes.ts, entry-facts.ts). Sets of codes are strings in
// order, so that equal states are equal strings. A record: code, fm (former codes), fp (fingerprint), rm (removed), pos (label), dl (dead letter),
// owed (0 no | 1 yes | 2 a request may have no answer), nx (next code).
export const same = (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b)
export const plus = (set, x) => (!x || set.includes(x) ? set : [...set, x].sort().join(''))
export const drop = (set, x) => set.replace(x, '')
const distinct = (codes) => codes.filter((x, at) => x && codes.indexOf(x) === at)
/** Returns a record with its properties in order. */
export const canon = ({ code, fm, fp, rm, pos, dl, owed, nx }) => ({ code, fm, fp, rm, pos, dl, owed, nx: owed ? (nx ?? '') : '' })
/** Returns the codes that the API may have of a row by its record. */
export const codesNamed = ({ code, rm, owed, nx, fm }) => distinct([rm ? '' : code, owed ? nx : '', ...fm])
/** Returns the codes that another row must not end. */
export const codesOwned = ({ code, rm, owed, nx, fm }) => distinct([rm ? '' : code, owed ? nx : '', ...(owed ? fm : '')])
/** Returns the codes that a new record takes from its row (rule 12a). */
export function codesTaken(before, after, R) {
  if (!before) return []
  if (R.rejectedTakes && after.dl && (!before.dl || !R.rejectedOnce)) return codesNamed(before)
  const kept = codesNamed(after)
  return codesNamed(before).filter((x) => !kept.includes(x))
}
export function makeRecords(R, isInvalid) {
  const codesReadBack = (e) => (R.endKept ? e.un.filter((w) => w.pu !== 'u').map((w) => w.x) : [])
  function codesBeside(e, code) {
    const { st } = e, watched = codesReadBack(e)
    return distinct([st && !st.rm ? st.code : '', ...e.fc, ...[...(st?.fm ?? '')].filter((x) => !watched.includes(x)), st?.owed ? st.nx : '']).filter((x) => x !== code)
  }
  function labelled(e, v, row) {
    const pos = Math.max(e.st?.pos ?? 0, v.pos), watched = codesReadBack(e).filter((x) => x !== row.code)
    if (!watched.length) return { fm: '', nx: '', ...row, pos }
    return { ...row, fm: watched.sort().join(''), fp: null, pos, owed: 2, nx: row.owed ? (row.nx ?? '') : row.rm ? '' : row.code }
  }
  function intendedRow(e, sent, pu) {
    const { st } = e, mayHave = st && (!st.rm || (st.code && e.fc.includes(st.code)))
    const code = pu === 'c' && mayHave ? st.code || sent : sent, { fm = '', owed: before = 0, nx = '', pos = 0, dl = 0 } = st ?? {}
    const removed = st?.rm && st.code !== code ? st.code : '', known = codesReadBack(e).includes(removed) ? plus(fm, removed) : fm
    const isNamed = sent === code || known.includes(sent), owed = before && R.intentReason ? 2 : before
    if (st && st.fp === null && !st.rm && st.owed === owed && st.code === code && isNamed) return null
    return { code, fm: isNamed ? known : plus(known, sent), fp: null, rm: 0, pos, dl, owed, nx }
  }
  function afterUnsubscription(e, x, isLeft) {
    const { st } = e
    if (!st) return null
    const isReadBack = codesReadBack(e).includes(x), isNext = st.owed && st.nx === x, fm = drop(st.fm, x)
    const owed = isReadBack ? 2 : st.owed, nx = isNext ? '' : st.nx
    if (st.code === x) return { code: isLeft ? '' : x, fm, fp: null, rm: 1, pos: st.pos, dl: st.dl, owed, nx }
    if (isReadBack) return { ...st, fm: plus(fm, x), fp: null, owed, nx }
    return fm === st.fm && !isNext ? null : { ...st, fm, owed, nx }
  }
  const afterReadBack = (e, x) => (!e.st?.fm.includes(x) || e.fc.includes(x) ? null : { ...e.st, fm: drop(e.st.fm, x) })
  function withFormerCode({ st }, x) {
    if (!st) return { code: '', fm: x, fp: null, rm: 0, pos: 0, dl: 0, owed: 0, nx: '' }
    return (st.code === x && !st.rm) || st.fm.includes(x) ? null : { ...st, fm: plus(st.fm, x) }
  }
  function rejected(e, v, code) {
    const { st } = e, isNew = st?.rm && code
    return labelled(e, v, { code: isNew ? code : st?.code || code, fp: null, rm: isNew ? 0 : (st?.rm ?? 0), dl: 1, owed: 0 })
  }
  function unsentRow(e, outcome, isOver) {
    const { w, st, rm } = e, code = st?.code || w.x
    if (isInvalid(w.c)) return rejected(e, w, w.x)
    const removed = w.c === '-' ? 1 : 0
    if (removed && rm?.kind === 'left') return labelled(e, w, { code: '', fp: null, rm: 1, dl: 0, owed: 0 })
    const isLookedUp = R.unsentConfirm === 'over' || outcome === 'ignored' ? e.u === 0 || isOver(code) : isOver(code) && rm?.kind === 'ended' && rm.x === code
    const isInDoubt = R.unsentConfirm !== 'none' && removed && st?.owed === 2 && code && !isLookedUp
    const row = { code, fp: outcome === 'unchanged' && !removed ? (st?.fp ?? null) : null, rm: removed, dl: 0, owed: isInDoubt ? 2 : 0 }
    return labelled(e, w, isInDoubt ? { ...row, nx: st.nx } : row)
  }
  function owedRow(e) {
    const { st, w: v } = e, code = st?.code ?? '', rm = st?.rm ?? 0, known = rm ? '' : code, isEnd = v.c === '-'
    const nx = isEnd ? (v.o > 0 && st?.owed ? st.nx : '') : v.x, watched = codesReadBack(e)
    let fm = ''
    for (const x of [...codesBeside(e, known), ...watched.filter((y) => y !== code)]) if (x !== nx) fm = plus(fm, x)
    if (isEnd && v.x !== known) fm = plus(fm, v.x)
    return { code, fm, fp: null, rm, pos: Math.max(e.kn, st?.pos ?? 0), dl: st?.dl ?? 0, owed: (e.u && R.owedUnanswered) || watched.length ? 2 : 1, nx }
  }
  function owedAgain(st, isInDoubt) {
    const owed = isInDoubt ? 2 : st.owed || (st.fp === null && R.takenReason ? 2 : 1)
    return st.fp === null && st.owed === owed ? null : { ...st, fp: null, owed }
  }
  return { afterReadBack, afterUnsubscription, codesBeside, codesReadBack, intendedRow, labelled, owedAgain, owedRow, rejected, unsentRow, withFormerCode }
}
