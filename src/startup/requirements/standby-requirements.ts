import { type Finding, requirement } from '../../source/requirements/finding.ts'
import type { Resources } from '../resources.ts'

/** PostgreSQL 16 introduced logical slots on standbys. */
const decodingVersion = 16

/** Judges the requirements of decoding on a standby. Pure. */
export function judgeStandby(
  { source, state }: Pick<Resources['settings'], 'source' | 'state'>,
  { major }: { readonly major: number },
): Finding[] {
  return [
    requirement({
      requirement: 'a primary server',
      met: source.onStandby === 'decode',
      found: 'the server is a standby, and is to be decoded',
      lacking: 'the server is a standby, whose slots and state cannot be written as those of its primary',
      fix: 'let DATABASE_URL name the primary, or set source.onStandby: decode',
    }),
    requirement({
      requirement: 'a standby that can be decoded',
      met: major >= decodingVersion,
      found: `the standby is PostgreSQL ${major}`,
      fix: 'let DATABASE_URL name the primary: PostgreSQL 16 and later decode on a standby',
    }),
    requirement({
      requirement: 'the state in another database',
      met: state.url !== null,
      found: 'state.url is set',
      lacking: 'nothing can be written to a standby, the state included',
      fix: 'let STATE_DATABASE_URL name a database that can be written to, such as one of the primary',
    }),
  ]
}
