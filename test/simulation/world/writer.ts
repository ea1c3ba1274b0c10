import type { PatientCode } from '../../../src/model/patient/patient.ts'
import type { RowKey } from '../../../src/model/source/row.ts'
import { wideBytes } from './profile.ts'
import { type Image, ordinaryBytes, type Transaction } from './source-table.ts'
import { describeVersion } from './stream.ts'
import { keyOf } from './values.ts'
import type { World } from './world.ts'

/** Writes once more in a transaction: a change of a row, of its code, of the codes of two rows, or of the key of a row. */
export function write(world: World, writer: Transaction): void {
  const { table, choices, profile } = world
  if (profile.truncates > 0 && writer.versions.length === 0 && choices.percent(profile.truncates)) {
    truncate(world, writer)
    return
  }
  const keys = profile.truncates > 0 ? [...profile.keys, ...laterKeys] : profile.keys
  const key = choices.pick(keys)
  const other = choices.pick(keys)
  const [mine, theirs] = [table.newest(key)?.image ?? null, table.newest(other)?.image ?? null]
  const unused = profile.codes.filter((code) => table.keys.every((one) => table.newest(one)?.image?.code !== code))
  const free = unused[choices.below(Math.max(1, unused.length))]
  // Unique codes are locked with their rows.
  const locked = profile.sharesCodes ? [] : [mine?.code, free, theirs?.code]
  if (!table.isFree(writer, key, locked) || !table.isFree(writer, other, locked)) return
  const shared = profile.sharesCodes && key !== other && choices.percent(50) ? theirs?.code : undefined
  const put = (row: RowKey, image: Image | null, how: { incomplete?: boolean; sameRow?: boolean } = {}) => {
    const bytes = profile.wide > 0 && choices.percent(profile.wide) ? wideBytes : ordinaryBytes
    const version = table.write(writer, { key: row, image, bytes, ...how })
    world.note(() => `${writer.name} (xid ${writer.xid}) writes ${describeVersion(version)}`)
  }
  const image = (code: PatientCode): Image => ({ code, letter: choices.pick(profile.letters) })
  if (!mine || (shared !== undefined && choices.percent(50))) {
    const code = shared ?? free
    if (code !== undefined) put(key, image(code))
    return
  }
  const kind = choices.below(profile.codesMove ? 8 : 4)
  switch (kind) {
    case 3:
      put(key, null)
      return
    case 4:
    case 5:
      if (free !== undefined) put(key, image(free))
      return
    case 6:
    case 7:
      if (key === other) return
      if (theirs) {
        put(key, image(theirs.code))
        put(other, image(mine.code))
      } else {
        // A changed key is one message with two versions; otherwise it is a delete and an insert.
        put(key, null)
        put(other, image(mine.code), { sameRow: kind === 6 })
      }
      return
    default:
      put(key, image(mine.code), { incomplete: choices.percent(profile.incomplete) })
  }
}

/** Keys of rows that are there only after the table was filled again. */
const laterKeys = ['l1', 'l2'].map(keyOf)

/** Empties the table, and fills it again under other keys with some of the codes. Transactions that follow may bring more. */
function truncate(world: World, writer: Transaction): void {
  const { table, choices, profile } = world
  if (!table.mayTruncate(writer)) return
  // Rows that the simulation writes by itself have codes of their own, and come back by themselves.
  const codes = profile.codes.filter((code) => table.keys.some((key) => table.newest(key)?.image?.code === code))
  table.truncate(writer)
  world.note(() => `${writer.name} (xid ${writer.xid}) truncates the table`)
  const keys = [...profile.keys, ...laterKeys]
  const share = choices.pick([0, 50, 100])
  for (const code of codes) {
    const [key] = keys.splice(choices.below(keys.length), 1)
    if (key === undefined || !choices.percent(share)) continue
    const version = table.write(writer, { key, image: { code, letter: choices.pick(profile.letters) } })
    world.note(() => `${writer.name} writes ${describeVersion(version)}`)
  }
}
