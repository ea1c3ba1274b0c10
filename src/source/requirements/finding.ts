/**
 * One requirement and whether it is met. `fix`: the statement or setting that meets it. `advice`: without it the connector
 * works, and something may go wrong with it later.
 */
export interface Finding {
  readonly requirement: string
  readonly met: boolean
  readonly detail: string
  readonly fix: string | null
  readonly severity?: 'warns'
}

/** What of a source's requirements is in the way of a start. */
export function obstacles(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ met, severity }) => !met && severity !== 'warns')
}

export interface Judgement {
  readonly requirement: string
  readonly met: boolean
  /** What is said if it is met, and if it is not. */
  readonly found: string
  readonly lacking?: string
  readonly fix: string | null
}

/** Only what is not met has a fix. */
export function requirement({ requirement, met, found, lacking = found, fix }: Judgement): Finding {
  return { requirement, met, detail: met ? found : lacking, fix: met ? null : fix }
}

/** The same, of what is only advised. */
export function warning(judgement: Judgement): Finding {
  return { ...requirement(judgement), severity: 'warns' }
}
