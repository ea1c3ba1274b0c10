import { type Finding, requirement } from './finding.ts'
import { replicationMend, walLevelMend } from './managed-service.ts'
import type { SourceFacts } from './source-facts.ts'
import { quoteIdentifier } from './sql-names.ts'

/** Of the server, and of the user's rights on it. Pure. */
export function judgeServer(facts: SourceFacts): Finding[] {
  const { user, service } = facts
  return [
    requirement({
      requirement: 'PostgreSQL 14 or later',
      met: facts.serverVersionNumber >= 140_000,
      found: `the server is PostgreSQL ${facts.serverVersion}${service === null ? '' : ` of ${service}`}`,
      mend: 'upgrade the server',
    }),
    requirement({
      requirement: 'wal_level is logical',
      met: facts.walLevel === 'logical',
      found: `wal_level is ${facts.walLevel}`,
      mend: walLevelMend(service),
    }),
    requirement({
      requirement: 'the user may replicate',
      met: facts.mayReplicate,
      found: `${user} may replicate`,
      lacking: `${user} may not replicate`,
      mend: replicationMend(service, quoteIdentifier(user)),
    }),
  ]
}
