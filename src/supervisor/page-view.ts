import type { PageView } from '../http/page/page-view.ts'
import { sampleEveryMs } from '../model/status/sample.ts'
import type { Resources } from '../startup/resources.ts'
import { History } from '../telemetry/history.ts'
import { type Board, statusOf } from './status-board.ts'

export interface PageSources {
  readonly board: Board
  readonly resources: Resources
  readonly version: string
}

/** Provides the page's content: the board as it is now, and samples of the last hour, taken until it is stopped. */
export function keepPage({ board, resources, version }: PageSources) {
  const { metrics } = resources.telemetry
  const { clocks } = resources.runtime
  const history = new History()

  function sample(): void {
    const { source, delivery } = statusOf(board, resources)
    history.add({
      atMs: clocks.monotonicMs(),
      lagBytes: source.lagBytes,
      requestsLastMinute: delivery.requestsLastMinute,
      backfillMark: board.pipeline?.view().backfillMark ?? 0,
      delivery: metrics.recentDeliveries.take(),
    })
  }

  const timer = setInterval(sample, sampleEveryMs)
  return {
    view(): PageView {
      const { pipeline, deadLetters } = board
      const core = pipeline?.view() ?? null
      const monotonicMs = clocks.monotonicMs()
      return {
        version,
        status: statusOf(board, resources),
        problems: board.problemWatch?.look() ?? [],
        flow: {
          live: core?.waiting.live ?? 0,
          backfill: core?.waiting.backfill ?? 0,
          inFlight: core?.patientsInFlight ?? 0,
        },
        samples: history.since(monotonicMs),
        deadLetters,
        monotonicMs,
        wallClockMs: clocks.wallClockMs(),
      }
    },
    /** Returns the samples of the last hour. */
    samples: () => history.since(clocks.monotonicMs()),
    stop: () => clearInterval(timer),
  }
}
