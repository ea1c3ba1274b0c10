import type { PatientCode } from '../../../src/model/patient/patient.ts'
import { type BackfillRun, reloadReasons } from '../../../src/model/progress/backfill-run.ts'
import { isRejected as isRejectedRow, type StoredRow } from '../../../src/model/progress/stored-row.ts'
import type { RowKey } from '../../../src/model/source/row.ts'
import { isPublished } from './contents.ts'
import type { Recorded } from './mediquo.ts'
import type { Image, RowVersion, Transaction } from './source-table.ts'
import { at } from './values.ts'
import type { World } from './world.ts'

/**
 * Returns true if a change needs no further request. Either a version of its row or code that is not older was accepted or rejected, or
 * mediQuo has what such a version says.
 */
function isCovered(world: World, version: RowVersion): boolean {
  const isSo = world.covered.has(version.number) || isCoveredNow(world, version)
  if (isSo) world.covered.add(version.number)
  return isSo
}

function isCoveredNow(world: World, { key, number, image, before }: RowVersion): boolean {
  const { mediquo, state, rejected, table } = world
  if (mediquo.newestOf(key) >= number) return true
  const code = image?.code ?? before?.code
  if (code !== undefined && (mediquo.records.get(code)?.number ?? 0) >= number) return true
  if (hasLetter(state.rows.get(key)) && (rejected.get(key) ?? 0) >= number) return true
  if (table.committed(key).some((later) => later.number >= number && isTold(world, later))) return true
  if (code !== undefined && isTheirs(world, key, code)) return true
  return code !== undefined && isLeft(world, code, number)
}

/** Returns true if mediQuo accepted last what another row has that shares the code: either content is right. */
function isTheirs(world: World, key: RowKey, code: PatientCode): boolean {
  if (!world.profile.sharesCodes) return false
  const others = world.table.ownersOf(code).filter((other) => other.key !== key && isPublished(other.image))
  return others.some((other) => isTold(world, other))
}

/** Returns true if the row left its code to another row, which has it or will be sent: the later owner covers the code. */
function isLeft({ table, state }: World, code: PatientCode, number: number): boolean {
  const had = ({ image, before }: RowVersion) => image?.code === code || before?.code === code
  const owners = new Set(table.commits.flatMap(({ versions }) => versions.filter(had).map(({ key }) => key)))
  const isDue = ({ commitLsn, versions }: Transaction) =>
    commitLsn >= state.lsn && versions.some((later) => later.number > number && had(later))
  return owners.size > 1 && table.commits.some(isDue)
}

/** Returns true if mediQuo accepted last what a version says, or shows it because it applied that version last. */
function isTold(world: World, version: RowVersion): boolean {
  const { mediquo } = world
  return isShown(world, version) || isShown(world, version, (code) => mediquo.records.get(code))
}

type Records = (code: PatientCode) => Recorded | undefined

/** Returns true if mediQuo has what a version says. */
function isShown(world: World, version: RowVersion, records: Records = (code) => world.mediquo.has(code)): boolean {
  const { image } = version
  if (!isPublished(image)) return isGone(world, version, records)
  if (image.letter === 'X') return false
  const record = records(image.code)
  return record?.isSubscribed === true && record.firstName === image.letter
}

function isGone(world: World, { key, number }: RowVersion, records: Records): boolean {
  const { profile, table } = world
  if (profile.onDelete === 'ignore') return true
  const had = table.committed(key).filter((older) => older.number < number && isPublished(older.image))
  return had.every(({ image, number: since }) => {
    const record = image && records(image.code)
    if (!image || !record?.isSubscribed || record.number >= number) return true
    if (isHeldByOther(world, image.code, key) || mayBeForgotten(world, image.code)) return true
    // The API refuses to unsubscribe the code: the dead letter says so.
    if (isRejected(world, image.code)) return true
    // A row that got the code later covers it, even if it gave the code up as well.
    const isInvalidated = ({ image: taken, number: later }: RowVersion) => taken?.code === image.code && later > since
    return table.keys.some((other) => other !== key && table.committed(other).some(isInvalidated))
  })
}

/** Returns true if the store names another row that has the code or had it: that row covers the code. */
function isHeldByOther({ state }: World, code: PatientCode, key: RowKey): boolean {
  const holds = (state.holdersOf([code]).get(code) ?? []).some((holder) => holder !== key)
  return holds || [...state.rows.values()].some((row) => row.key !== key && row.formerCodes.includes(code))
}

/**
 * Returns true for a known gap: a row leaves its code to another one while the store cannot know that yet, the slot is lost, and that row
 * is gone from the table when the backfill reads it.
 */
function mayBeForgotten({ missed, table, forgottenCodes }: World, code: PatientCode): boolean {
  // Nobody knows a code that was first sent in what the store has lost, if its row is gone when the table is read.
  if (forgottenCodes.has(code)) return true
  const had = table.keys.filter((key) => table.committed(key).some(({ image }) => image?.code === code))
  return missed.size > 0 && had.length > 1
}

/** Returns true if a rejected row has the code: it keeps the code that mediQuo had of it, until it is fixed or deleted. */
function isRejected({ state }: World, code: PatientCode): boolean {
  return [...state.rows.values()].some(
    (row) => row.deadLetter !== null && ((row.code === code && !row.removed) || row.formerCodes.includes(code)),
  )
}

/** Returns false for a change of a row that the row filter leaves out before and after. */
const isStreamed = ({ image, before }: RowVersion) => isPublished(image) || isPublished(before)

/** Notes the changes that are covered now, before mediQuo accepts anything else: they stay covered. */
export function noteCovered(world: World): void {
  for (const { versions } of world.table.commits) for (const version of versions) isCovered(world, version)
}

/**
 * Returns true if the store owes the row to a read that sees the change: the label contains the change, or the change is visible already.
 */
function isOwed({ state }: World, { commitLsn, state: is }: Transaction, { key }: RowVersion): boolean {
  if (is === 'ended') return state.rows.get(key)?.owed != null
  return state.isOwed(key, { commitLsn: at(commitLsn), ordinal: 0 })
}

/** Returns true if a later change of the row is still to be settled. */
function comesAgain({ table, state }: World, { key, number }: RowVersion): boolean {
  const isLater = (version: RowVersion) => version.key === key && version.number > number
  return table.commits.some(({ commitLsn, versions }) => commitLsn >= state.lsn && versions.some(isLater))
}

/** Checks C3 after each write of the store, for the changes of the stream and for those that only a backfill can find. */
export function checkStored(world: World): void {
  const { state, table, missed } = world
  for (const transaction of table.commits) {
    if (transaction.commitLsn >= state.lsn || missed.has(transaction)) continue
    for (const version of transaction.versions) {
      // A backfill run finds the rows that TRUNCATE has deleted, except those that the stream brings again.
      if (version.truncated && (state.nextPass() !== null || comesAgain(world, version))) continue
      if (!isStreamed(version) || isCovered(world, version) || isOwed(world, transaction, version)) continue
      world.fail(
        `C3: the checkpoint ${state.lsn} passed ${transaction.name}, version ${version.number} of ${version.key}`,
      )
    }
  }
  for (const key of table.keys) checkPass(world, key)
}

/** Checks that the position of the backfill passes a row only if no change of it that no slot streamed is missing. */
function checkPass(world: World, key: RowKey): void {
  const { state, table, missed } = world
  const backfill = state.backfillRuns.findLast(({ state: is }) => is !== 'replaced')
  if (!backfill) return
  const versions = table.commits.flatMap((by) =>
    by.versions.flatMap((version) => (version.key === key ? [{ version, by }] : [])),
  )
  const last = versions.findLast(({ by }) => missed.has(by))
  const isStillDue = versions.some(
    ({ version, by }) => isStreamed(version) && !missed.has(by) && by.commitLsn >= state.lsn,
  )
  if (!last || isStillDue) return
  const { position, state: is, reason, rowsRead } = backfill
  const { version } = last
  const isPast = (after: RowKey | null) => after !== null && key <= after
  const inTable =
    is === 'done' || position?.phase === 'state' || (position?.phase === 'table' && isPast(position.after))
  const inState = is === 'done' || (position?.phase === 'state' && isPast(position.after))
  // A row that is gone from the table by now, streamed or not, is found by the second half of the backfill.
  const isInTable = isPublished(table.committed(key).at(-1)?.image ?? null)
  const isChecked = isInTable ? inTable : inState && reason !== 'first run' && rowsRead > 0
  if (isChecked && !state.rows.get(key)?.owed && !isCovered(world, version))
    world.fail(`C3: the pass passed version ${version.number} of ${key}`)
}

/** Returns true if a row has a dead letter of its own, not of a former code. */
function hasLetter(row: StoredRow | undefined): boolean {
  return row !== undefined && isRejectedRow(row)
}

/** Checks C1 when no work is left: both ends agree, or the row has a dead letter of its newest version. */
export function checkQuiet(world: World): void {
  const { table, state, mediquo, profile, rejected } = world
  // An empty table may be filled again: a backfill leaves the known rows alone until then.
  const foundNothing = ({ state: is, rowsRead, reason }: BackfillRun) =>
    is === 'done' && rowsRead === 0 && !reloadReasons.includes(reason)
  const isLeftAlone = state.nextPass() !== null || state.backfillRuns.some(foundNothing)
  for (const key of table.keys) {
    const newest = table.newest(key)
    const letter = hasLetter(state.rows.get(key))
    if (!newest || (isLeftAlone && !isPublished(newest.image))) continue
    if (letter && (rejected.get(key) ?? 0) < newest.number)
      world.fail(`C1: ${key} has a dead letter of an older version`)
    if (letter || !isPublished(newest.image)) continue
    if (newest.image.letter === 'X') world.fail(`C1: ${key} is not a dead letter`)
    else if (!isShown(world, newest) && !isOfOther(world, newest))
      world.fail(`C1: ${key} is ${text(newest.image)}, mediQuo has ${recordText(world, newest.image)}`)
  }
  if (profile.onDelete === 'ignore' || isLeftAlone) return
  for (const code of profile.codes) {
    if (!mediquo.has(code)?.isSubscribed) continue
    const isOwned = table.ownersOf(code).some(({ image }) => isPublished(image))
    if (!isOwned && !isRejected(world, code) && !mayBeForgotten(world, code))
      world.fail(`C1: ${code} is nobody's and still subscribed`)
  }
}

/** Returns true if mediQuo has the content of another row with the code, or if that row is a dead letter, which keeps what mediQuo had. */
function isOfOther(world: World, { key, image }: RowVersion): boolean {
  const others = image && world.profile.sharesCodes ? world.table.ownersOf(image.code) : []
  return others.some(
    (other) =>
      other.key !== key &&
      isPublished(other.image) &&
      (isShown(world, other) || hasLetter(world.state.rows.get(other.key))),
  )
}

const text = ({ code, letter }: Image) => `${code}=${letter}`
function recordText({ mediquo }: World, { code }: Image): string {
  const record = mediquo.has(code)
  return record ? `${code}=${record.firstName}${record.isSubscribed ? '' : ' without a plan'}` : 'nothing'
}
