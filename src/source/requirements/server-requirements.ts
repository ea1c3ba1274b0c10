import { replicationFix, walLevelFix } from '../managed-service.ts'
import type { SourceFacts } from '../source-facts.ts'
import { quoteIdentifier } from '../sql-names.ts'
import { type Finding, requirement, warning } from './finding.ts'

/** Judges the server, and the user's rights on it. Pure. */
export function judgeServer(facts: SourceFacts): Finding[] {
  const { user, service } = facts
  return [
    requirement({
      requirement: 'PostgreSQL 14 or later',
      met: facts.serverVersionNumber >= 140_000,
      found: `the server is PostgreSQL ${facts.serverVersion}${service === null ? '' : ` of ${service}`}`,
      fix: 'upgrade the server',
    }),
    requirement({
      requirement: 'wal_level is logical',
      met: facts.walLevel === 'logical',
      found: `wal_level is ${facts.walLevel}`,
      fix: walLevelFix(service),
    }),
    requirement({
      requirement: 'the user may replicate',
      met: facts.mayReplicate,
      found: `${user} may replicate`,
      lacking: `${user} may not replicate`,
      fix: replicationFix(service, quoteIdentifier(user)),
    }),
    warning({
      requirement: 'the connection is protected',
      met: facts.isProtected,
      found: 'by TLS, or within this machine',
      lacking: "patients' data passes the network in the clear",
      fix: 'add sslmode=verify-full and sslrootcert to DATABASE_URL',
    }),
    // Text that is not UTF-8 would end the stream, and would do so again at each attempt.
    requirement({
      requirement: 'the encoding is known',
      met: facts.encoding !== 'SQL_ASCII',
      found: `texts are ${facts.encoding}`,
      lacking: 'the database is SQL_ASCII, which says nothing of its texts: one that is not UTF-8 could not be read',
      fix: 'dump it and restore it into a database of encoding UTF8',
    }),
  ]
}
