import { ConnectorError } from '../../model/failure/connector-error.ts'
import type { Finding } from '../../source/requirements/finding.ts'

/** Returns the error for unmet requirements. The message has one line for each, with the fix. */
export function checkFailed(findings: readonly Finding[]): ConnectorError {
  const lines = findings.map(({ detail, fix }) => (fix ? `${detail}: ${fix}` : detail))
  return new ConnectorError('check failed', lines.join('\n'))
}
