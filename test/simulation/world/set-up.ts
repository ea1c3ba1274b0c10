import type { StoredRow } from '../../../src/model/progress/stored-row.ts'
import { xid } from '../../../src/model/source/visibility.ts'
import { isPublished } from './contents.ts'
import { at, fingerprint, patientOf } from './values.ts'
import type { World } from './world.ts'
import { write } from './writer.ts'

/** Creates the table as it was before the connector, and the slot. Some earlier transactions stay open, or invisible. */
export function setUp(world: World): void {
  const { table, profile, choices, state } = world
  const base = table.begin()
  for (const [index, key] of profile.keys.entries()) {
    const code = profile.codes[index]
    if (code === undefined || !choices.percent(70)) continue
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
  state.run++
  state.slotGapXid = table.takeXid()
  state.requestPass(reason, profile.pageRows)
  world.note(
    () =>
      `a slot is made at ${from}, G ${state.slotGapXid}, pass asked for: ${reason} (${profile.pageRows} rows a page)`,
  )
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
    owed: null,
  }
  if (letter === 'X' || letter === 'Z') {
    const reason = letter === 'X' ? 'invalid' : 'refused by the API'
    state.rows.set(key, { ...row, fingerprint: null, deadLetter: { reason, attributes: [], status: null } })
    rejected.set(key, number)
  } else {
    state.rows.set(key, row)
    mediquo.accept({ key, purpose: 'upsert', patient, number })
  }
}
