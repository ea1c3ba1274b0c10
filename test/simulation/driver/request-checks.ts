import { comparePositions } from '../../../src/model/source/position.ts'
import type { Delivery } from '../../../src/pending/entry/version.ts'
import { isPublished } from '../world/contents.ts'
import type { RowVersion, Transaction } from '../world/source-table.ts'
import type { World } from '../world/world.ts'

export interface RequestContext {
  readonly inFlight: readonly Delivery[]
  /** Transaction of which only a part has been received. */
  readonly open: Transaction | null
}

/** Checks a request as it leaves: P4, rules 7 and 12, and that no half of a transaction is sent. */
export function checkRequest(world: World, batch: readonly Delivery[], { inFlight, open }: RequestContext): void {
  const { batchSize } = world.profile
  if (batch.length === 0 || batch.length > batchSize) world.fail(`P4: a request of ${batch.length} patients`)
  const earlier = [...inFlight]
  for (const delivery of batch) {
    const { key, code } = delivery
    if (earlier.some((other) => other.key === key || other.code === code))
      world.fail(`C2: two requests for ${key} or ${code} at a time, or one with it twice`)
    earlier.push(delivery)
    checkIntent(world, delivery)
    if (open) checkOpen(world, delivery, open)
    world.fail(checkUnsubscription(world, delivery))
  }
}

/** Checks rule 7: before a request leaves, the store has its code, and has no fingerprint. */
function checkIntent(world: World, { key, code, version }: Delivery): void {
  const row = world.state.rows.get(key)
  if (!row || ![row.code, row.owed?.nextCode, ...row.formerCodes].includes(code))
    world.fail(`INTENT: ${code} leaves for ${key}, and the state does not know of it`)
  else if (row.fingerprint !== null)
    world.fail(`INTENT: ${code} leaves for ${key}, and the state claims to know what mediQuo has`)
  const { horizon, readLsn } = world.state
  const { position, read } = version
  if (read === null && position && (horizon === null || comparePositions(horizon, position) < 0))
    world.fail(`INTENT: ${code} leaves for ${key} from ${position.commitLsn}, H is ${horizon?.commitLsn ?? 'none'}`)
  if (read !== null && (readLsn === null || readLsn < read.endLsn))
    world.fail(`INTENT: ${code} leaves for ${key} from a read up to ${read.endLsn}, R is ${readLsn ?? 'none'}`)
}

/** Checks that no change of an open transaction is sent, and that no code that the transaction moves is unsubscribed. */
function checkOpen(world: World, { key, code, purpose, version }: Delivery, open: Transaction): void {
  const labelLsn = Number(version.position?.commitLsn ?? 0)
  if (version.read === null && labelLsn === open.commitLsn)
    world.fail(`HALF: ${purpose} ${code} leaves for ${key} while ${open.name} is arriving`)
  const isMoved = open.versions.some(({ image, before }) => before?.code === code && image?.code !== code)
  if (purpose !== 'upsert' && isMoved && labelLsn >= open.commitLsn && wasArriving(world, open))
    world.fail(`HALF: ${code} is unsubscribed while ${open.name}, which moves it, is arriving`)
}

/** Returns true if the transaction was arriving when this batch was cut. The label of a read may rise to it after the batch was cut. */
function wasArriving({ table, receivedAtWrites: [received] }: World, open: Transaction): boolean {
  const before = table.commits.slice(0, table.commits.indexOf(open))
  return received.isTransactionOpen && before.every(({ commitLsn }) => commitLsn < received.receivedLsn)
}

/**
 * Checks that no code is unsubscribed that another row has in the labelled version and in every transaction since. If one of them left the
 * code to no row, the stream or a read may have shown that already. A row that cannot become a patient has no code.
 */
function checkUnsubscription(
  { table, missed, receivedAtWrites }: World,
  { key, code, purpose, version }: Delivery,
): string | null {
  // A change that no slot has streamed is unknown until the backfill has read it.
  if (purpose === 'upsert' || missed.size > 0) return null
  const { position, read } = version
  // The label of a read rises with the stream, also after the batch was cut. It then does not show what was known at that time.
  if (!position || (read !== null && position.commitLsn >= receivedAtWrites[0].receivedLsn)) return null
  const first = table.commits.findIndex(({ commitLsn }) => BigInt(commitLsn) === position.commitLsn)
  const owners = table.commits.slice(Math.max(first, 0)).map((transaction) => table.ownersAfter(transaction, code))
  const has = (owner: RowVersion) => owner.key !== key && isPublished(owner.image) && owner.image.letter !== 'X'
  if (!owners.every((versions) => versions.some(has))) return null
  return `HALF: ${code} is unsubscribed for ${key}, and ${owners[0]?.find(has)?.key} has had it since`
}
