import type { SourceFacts } from '../source-facts.ts'
import type { Wanted } from '../wanted.ts'
import type { Finding } from './finding.ts'
import { judgePublication } from './publication-requirements.ts'
import { judgeServer } from './server-requirements.ts'
import { judgeSlot } from './slot-requirements.ts'
import { judgeTable } from './table-requirements.ts'

/** Judges every requirement of the source, in the order in which to fix them. Pure. */
export function judgeSource(facts: SourceFacts, wanted: Wanted): Finding[] {
  return [
    ...judgeServer(facts),
    ...judgeTable(facts, wanted),
    ...judgePublication(facts, wanted),
    ...judgeSlot(facts, wanted),
  ]
}
