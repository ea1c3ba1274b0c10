/**
 * One requirement and whether it is met. `fix`: the statement or setting that meets it. `severity: 'warns'`: the connector works without
 * it, but something can go wrong with it later.
 */
export interface Finding {
  readonly requirement: string
  readonly met: boolean
  readonly detail: string
  readonly fix: string | null
  readonly severity?: 'warns'
}

/** Returns the unmet requirements that prevent a start. */
export function obstacles(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ met, severity }) => !met && severity !== 'warns')
}

export interface Judgement {
  readonly requirement: string
  readonly met: boolean
  /** Text to show if the requirement is met (`found`) and if it is not (`lacking`, by default the same). */
  readonly found: string
  readonly lacking?: string
  readonly fix: string | null
}

/** Makes the finding of a requirement. Only an unmet one has a fix. */
export function requirement({ requirement, met, found, lacking = found, fix }: Judgement): Finding {
  return { requirement, met, detail: met ? found : lacking, fix: met ? null : fix }
}

/** Makes the finding of a recommendation, which does not prevent a start. */
export function warning(judgement: Judgement): Finding {
  return { ...requirement(judgement), severity: 'warns' }
}
