import type { PatientCode } from '../../../src/model/patient/patient.ts'
import type { RowKey } from '../../../src/model/source/row.ts'
import { wideBytes } from './profile.ts'
import { type Image, ordinaryBytes, type Transaction } from './source-table.ts'
import { describeVersion } from './stream.ts'
import type { World } from './world.ts'

/** Writes once more in a transaction: a change of a row, of its code, of the codes of two rows, or of the key of a row. */
export function write(world: World, writer: Transaction): void {
  const { table, choices, profile } = world
  const key = choices.pick(profile.keys)
  const other = choices.pick(profile.keys)
  const [mine, theirs] = [table.newest(key)?.image ?? null, table.newest(other)?.image ?? null]
  const unused = profile.codes.filter((code) => table.keys.every((one) => table.newest(one)?.image?.code !== code))
  const free = unused[choices.below(Math.max(1, unused.length))]
  if (!table.isFree(writer, key, [mine?.code, free]) || !table.isFree(writer, other, [theirs?.code])) return
  const put = (row: RowKey, image: Image | null, how: { incomplete?: boolean; sameRow?: boolean } = {}) => {
    const bytes = profile.wide > 0 && choices.percent(profile.wide) ? wideBytes : ordinaryBytes
    const version = table.write(writer, { key: row, image, bytes, ...how })
    world.note(() => `${writer.name} (xid ${writer.xid}) writes ${describeVersion(version)}`)
  }
  const image = (code: PatientCode): Image => ({ code, letter: choices.pick(profile.letters) })
  if (!mine) {
    if (free !== undefined) put(key, image(free))
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
