import { ConnectorError } from '../model/failure/connector-error.ts'
import { formatLsn } from '../model/source/lsn.ts'
import { xid } from '../model/source/visibility.ts'
import { unreachable } from '../model/unreachable.ts'
import { obstacles } from '../source/requirements/finding.ts'
import { judgeSource } from '../source/requirements/requirements.ts'
import { dropSlotAsFound } from '../source/slot/replication-slot.ts'
import type { SourceFacts } from '../source/source-facts.ts'
import type { Wanted } from '../source/wanted.ts'
import { findServer, foundSlot, identityOn } from './identity/found-identity.ts'
import { makeSlot } from './make-slot.ts'
import { checkFailed } from './requirements/check-failed.ts'
import { publishingOf } from './requirements/check-writes.ts'
import type { Resources } from './resources.ts'

/**
 * Creates the publication and the slot if they are missing, and the first checkpoint with the request for the initial backfill.
 * @throws {ConnectorError} if the existing ones cannot be used.
 */
export async function startFirst(
  resources: Resources,
  { facts, wanted }: { readonly facts: SourceFacts; readonly wanted: Wanted },
): Promise<void> {
  const { settings } = resources
  const { store } = resources.state
  const { logger } = resources.telemetry
  const { slot, publication, backfill } = settings.source
  const first = backfill === 'initial' ? 'first run' : null
  const backfillRunReason = store.wentBack(null) ? 'store went back' : first
  // Read the server after the slot: transactions that run now count as part of the slot's gap.
  const server = await findServer(resources)
  const identity = identityOn(server, settings)
  const found = foundSlot(facts.slot)
  switch (found.kind) {
    case 'unready':
      throw new ConnectorError('slot being made', 'another session is making the replication slot')
    case 'present':
      if (!facts.publication) throw publicationAfterSlot(publication, slot)
      // The maker of the slot, and everything sent with it, is unknown: reads wait until all transactions that run now have ended, and rows
      // with changes of until now are read.
      return await store.begin(
        identity,
        { lsn: found.confirmedFlushLsn, readLsn: server.currentLsn, slotGapXid: xid(server.snapshotXmax - 1n) },
        backfillRunReason,
      )
    case 'lost':
      requireSlot(facts, wanted)
      await dropSlotAsFound(resources.source.pool, slot, facts.slot?.confirmedFlushLsn ?? null)
      break
    case 'absent':
      break
    default:
      unreachable(found)
  }
  const publishing = facts.publication ? null : publishingOf(facts, wanted)
  const made = await makeSlot(resources, { slot, publishing })
  logger.info({ slot, publication, lsn: formatLsn(made.confirmedFlushLsn) }, 'replication slot made')
  await store.begin(identity, { lsn: made.confirmedFlushLsn, slotGapXid: made.gapXid }, backfillRunReason)
}

/** Requires that a slot without its WAL may be recreated. @throws {ConnectorError} */
function requireSlot(facts: SourceFacts, wanted: Wanted): void {
  const unmet = obstacles(judgeSource(facts, wanted))
  if (unmet.length > 0) throw checkFailed(unmet)
}

function publicationAfterSlot(publication: string, slot: string): ConnectorError {
  return checkFailed([
    {
      requirement: 'the publication before the slot',
      met: false,
      detail: `the slot ${slot} exists, the publication ${publication} does not: a slot made before its publication cannot be read`,
      fix: `SELECT pg_drop_replication_slot('${slot}'); then start again`,
    },
  ])
}
