import type { Finding } from '../../source/requirements/finding.ts'

/** A requirement is not met. The message has one line for each, with the fix; exit status 3. */
export class CheckFailedError extends Error {
  override readonly name = 'CheckFailedError'
  readonly exitStatus = 3
  readonly findings: readonly Finding[]

  constructor(findings: readonly Finding[]) {
    super(findings.map(({ detail, fix }) => (fix ? `${detail}: ${fix}` : detail)).join('\n'))
    this.findings = findings
  }
}
