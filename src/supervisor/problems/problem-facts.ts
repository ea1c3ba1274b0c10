import type { Sample } from '../../model/status/sample.ts'
import { qualifiedName } from '../../source/sql-names.ts'
import type { Resources } from '../../startup/resources.ts'
import { hasStalled } from '../backfill-stall.ts'
import { type Board, databaseFailures, shownState, standstillSeconds } from '../status-board.ts'
import { rereadProgress } from '../store-went-back.ts'
import type { ProblemFacts } from './collect-problems.ts'

interface Observed {
  readonly isStuck: boolean
  /** Samples of the last hour. */
  readonly samples: readonly Sample[]
}

/** Reads the facts of the problems from the board. */
export function problemFacts(
  board: Board,
  { settings, state, telemetry, runtime }: Pick<Resources, 'settings' | 'state' | 'telemetry' | 'runtime'>,
  { isStuck, samples }: Observed,
): ProblemFacts {
  const { drift, readFailures, respelledCodes } = telemetry
  const { sharedCodes } = state.store
  const view = board.pipeline?.view() ?? null
  return {
    state: shownState(board),
    reason: board.reason,
    refusedWrite: board.refusedWrite,
    isStuck,
    trouble: view?.trouble ?? null,
    databaseFailures: databaseFailures(board),
    slot: board.slotWatch?.situation ?? null,
    leftSlots: board.slotWatch?.leftSlots ?? [],
    childTables: { children: board.childTables, parent: qualifiedName(settings.source.table) },
    standstillSeconds: standstillSeconds(board, settings.mediquo.limits),
    driftRatio: drift.ratio,
    secondsToDrain: board.slotWatch?.secondsToDrain ?? null,
    backfill: {
      hasStalled: hasStalled({ mark: view?.backfillMark ?? 0, samples, monotonicMs: runtime.clocks.monotonicMs() }),
      rowsRead: view?.backfill?.rowsRead ?? 0,
      rowsEstimated: view?.backfill?.rowsEstimated ?? 0,
    },
    storeReread: rereadProgress(board),
    sharedCodes: sharedCodes.count,
    failingReads: readFailures.lasting,
    respelledCodes: respelledCodes.found && { ...respelledCodes.found, alike: sharedCodes.alike },
    outdatedRows: state.store.mappings.outdated,
    deadLetters: board.deadLetters.total,
  }
}
