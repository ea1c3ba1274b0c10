import type { PatientCode } from '../../../src/model/patient/patient.ts'
import type { StoredRow } from '../../../src/model/progress/stored-row.ts'
import { xid } from '../../../src/model/source/visibility.ts'
import { isPublished } from './contents.ts'
import type { StateTables } from './state-tables.ts'
import { at, fingerprint, patientOf } from './values.ts'
import type { World } from './world.ts'
import { write } from './writer.ts'

/** Creates the table as it was before the connector, and the slot. Some earlier transactions stay open, or invisible. */
export function setUp(world: World): void {
  const { table, profile, choices, state } = world
  const base = table.begin()
  for (const [index, key] of profile.keys.entries()) {
    const own = profile.codes[index]
    if (own === undefined || !choices.percent(70)) continue
    const code = profile.sharesCodes && choices.percent(50) ? (profile.codes[0] ?? own) : own
    const version = table.write(base, { key, image: { code, letter: choices.pick(profile.letters) } })
    if (profile.start !== 'first run') deliver(world, version)
  }
  table.commit(base)
  table.end(base)
  state.lsn = table.insertLsn
  if (profile.start === 'known') return
  for (let left = profile.before; left > 0; left--) {
    const writer = table.begin()
    write(world, writer)
    const fate = choices.below(4)
    if (fate > 0) table.commit(writer)
    if (fate > 1) table.end(writer)
  }
  if (profile.start === 'first run') state.lsn = 0
  makeSlot(world)
}

/** Creates the slot, again if the store knows an older one: only a backfill finds the changes between the two. */
export function makeSlot(world: World): void {
  const { table, state, profile } = world
  const from = table.insertLsn
  for (const transaction of table.commits)
    if (transaction.commitLsn >= state.lsn && transaction.commitLsn < from) world.missed.add(transaction)
  const reason = state.lsn === 0 ? 'first run' : 'slot lost'
  state.lsn = from
  state.raiseEpoch()
  state.slotGapXid = table.takeXid()
  state.requestPass(reason)
  world.note(
    () =>
      `a slot is made at ${from}, G ${state.slotGapXid}, pass asked for: ${reason} (${profile.pageRows} rows a page)`,
  )
}

/** The store goes back to what it had some writes ago. */
export function loseWrites(world: World): void {
  const { state, copies, choices } = world
  const known = knownCodes(state)
  // The newest copy is what the store has.
  const at = choices.below(copies.length - 1)
  const copy = copies[at]
  if (!copy) return
  copies.length = 0
  state.restore(copy)
  const after = knownCodes(state)
  for (const code of known) if (!after.has(code)) world.forgottenCodes.add(code)
  world.note(() => `the store goes back to ${state.lsn}, write ${state.stamp.writes}`)
}

function knownCodes({ rows }: StateTables): Set<PatientCode> {
  const codes = [...rows.values()].flatMap((row) => [row.code, row.owed?.nextCode ?? null, ...row.formerCodes])
  return new Set(codes.filter((code) => code !== null))
}

/** What is done about an older store: as much as `distrustOlderStore` does, or less. */
export type Distrust = 'everything' | 'without R'

/** Believes nothing of an older store, as `distrustOlderStore` in `src/startup` does. */
export function distrustStore(world: World, distrust: Distrust): void {
  const { state, table, confirmedLsn } = world
  const from = Math.max(state.lsn, Number(confirmedLsn))
  for (const transaction of table.commits)
    if (transaction.commitLsn >= state.lsn && transaction.commitLsn < from) world.missed.add(transaction)
  world.isStoreOld = false
  state.lsn = from
  state.raiseEpoch()
  if (distrust !== 'without R') state.readLsn = at(table.insertLsn)
  state.slotGapXid = table.takeXid()
  for (const [key, row] of state.rows) state.rows.set(key, { ...row, fingerprint: null, removed: false })
  state.requestPass('store went back')
  world.note(() => `the older store is not believed: from ${from}, R ${state.readLsn}, G ${state.slotGapXid}`)
}

/** Stores a version that was delivered before, in mediQuo and in the checkpoint store. */
function deliver(
  { mediquo, state, rejected }: World,
  { key, image, number }: ReturnType<World['table']['write']>,
): void {
  if (!isPublished(image)) return
  const { code, letter } = image
  const patient = patientOf(code, letter)
  const row: StoredRow = {
    key,
    code,
    fingerprint: fingerprint(patient),
    removed: false,
    position: { commitLsn: at(1), ordinal: 1 },
    xid: xid(1n),
    deadLetter: null,
    formerCodes: [],
    unacceptedCodes: [],
    owed: null,
  }
  if (letter === 'X' || letter === 'Z') {
    const reason = letter === 'X' ? 'invalid' : 'refused by the API'
    state.rows.set(key, {
      ...row,
      unacceptedCodes: [code],
      fingerprint: null,
      deadLetter: { reason, attributes: [], status: null },
    })
    rejected.set(key, number)
  } else {
    state.rows.set(key, row)
    mediquo.accept({ key, purpose: 'upsert', patient, number })
  }
}
