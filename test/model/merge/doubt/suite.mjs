// Instances of doubt.mjs. doubt('Xa Xb', ['1Yc', '0Xc 1-'], { faults: 1 }): rows k0 and k1, two transactions, one answer may be lost.
/**
 * Creates an instance. faults: lost answers; lates: accepted requests that are applied later; odd: unexpected successes; owes: versions that are
 * dropped from memory; reads: reads beside those that the rules ask for; api: the row whose content the API has of a shared code; noRoom: nothing
 * is read back; recent: some time passes after each acceptance (always with lates or odd).
 */
export function doubt(base, txs, more = {}) {
  const counts = ['faults', 'lates', 'odd', 'owes', 'reads', 'crashes'].filter((k) => more[k]).map((k) => `, ${more[k]} ${k}`).join('')
  const api = more.api ? `, API ${Object.entries(more.api).map(([x, k]) => `${x} of k${k}`)}` : ''
  const name = `${base} | ${txs.join(' | ')}${api}${more.noRoom ? ', no room' : ''}${more.recent ? ', recent' : ''}${counts}`
  return { name, base: base.split(' '), txs: txs.map((t) => t.split(' ').map((w) => [+w[0], w.slice(1)])), ...more }
}
export function* suite() {
  const shared = { api: { X: 1 } }
  for (const m of [{}, { faults: 1 }, { crashes: 1 }, { faults: 1, crashes: 1 }]) {
    // One row: its content, its end, another code.
    for (const txs of [['0Xb'], ['0-'], ['0Yb'], ['0Xb', '0Xa'], ['0Xb', '0Xc'], ['0Xb', '0-'], ['0Xb', '0Yc'], ['0Xb', '0Y!'], ['0Yb', '0-'], ['0-', '0Yb']]) yield doubt('Xa -', txs, m)
    // Two rows with one code, of which one gives it up or is rejected.
    for (const txs of [['1Yc'], ['1-'], ['1X!'], ['1X#'], ['1X!', '0X!'], ['0Xc 1-', '0Xd']]) yield doubt('Xa Xb', txs, { ...m, ...shared })
    // A code that goes from row to row.
    for (const txs of [['0-', '1Xb'], ['1Xb', '1-'], ['1Xb', '0-'], ['0Xb', '0- 1Xc'], ['0- 1Xb', '1-'], ['0- 1Xb', '1Yc']]) yield doubt('Xa -', txs, m)
    if (!m.faults || !m.crashes) yield doubt('Xa -', ['0Yb', '1Xc'], m) // both: more than 400,000 states
    yield doubt('Xa Yb', ['0Ya 1Xb'], m)
    yield doubt('Xa Yb', ['1Xb', '0-'], m)
  }
  yield* more()
}
function* more() {
  // Requests that are accepted, and applied later.
  for (const m of [{ lates: 1 }, { lates: 1, faults: 1 }, { lates: 1, crashes: 1 }]) for (const txs of [['0Xb', '0Xc'], ['0Xb', '0-'], ['0Xb', '0Yc'], ['0Xb', '0- 1Xc']]) yield doubt('Xa -', txs, m)
  yield doubt('- -', ['0Xa', '0-'], { lates: 1 })
  yield doubt('- -', ['0Xa', '0-'], { faults: 1 })
  for (const m of [{ odd: 1, lates: 1 }, { odd: 1, faults: 1 }, { odd: 1, crashes: 1 }]) for (const txs of [['0Xb', '0Xa'], ['0Xb', '0-']]) yield doubt('Xa -', txs, m)
  // Two lost answers.
  for (const txs of [['0Xb'], ['0Yb'], ['0Xb', '0Xc'], ['0-']]) yield doubt('Xa -', txs, { faults: 2 })
  yield doubt('Xa -', ['0Yb'], { faults: 2, crashes: 1 })
  // Three transactions; time that passes after an acceptance, and a crash.
  yield doubt('Xa -', ['0Yc', '0Xb', '0-'], { faults: 1 })
  yield doubt('Xa -', ['0-', '0Xb', '0- 1Xc'], { reads: 1 })
  for (const txs of [['0Yb'], ['0Xb', '0Xc']]) yield doubt('Xa -', txs, { recent: 1, faults: 1, crashes: 1 })
  // Versions dropped from memory.
  for (const m of [{ owes: 1, faults: 1 }, { owes: 1, crashes: 1 }, { owes: 1, faults: 1, crashes: 1 }]) for (const txs of [['0Xb', '0Xc'], ['0-', '0Yb'], ['0-', '1Xb']]) yield doubt('Xa -', txs, m)
  // No room to read back; reads ahead of the stream.
  for (const m of [{ faults: 1 }, { faults: 1, lates: 1 }, { faults: 1, crashes: 1 }]) for (const txs of [['0Xb', '0Xc'], ['0Yb'], ['0Xb', '0-']]) yield doubt('Xa -', txs, { ...m, noRoom: 1 })
  for (const m of [{ reads: 1, faults: 1 }, { reads: 1, crashes: 1 }]) for (const txs of [['0-', '1Xb'], ['0Yb', '1Xc'], ['0Xb', '0-']]) yield doubt('Xa -', txs, m)
}
