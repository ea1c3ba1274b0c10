import type { PageView } from '../../../src/http/page/page-view.ts'
import { noDeadLetters } from '../../../src/model/progress/dead-letter-overview.ts'
import type { Status } from '../../../src/model/status/status.ts'
import { quietStatus } from '../../support/quiet-status.ts'

/** Creates the data of a healthy page with these changes. */
export function view(given: Omit<Partial<PageView>, 'status'> & { readonly status?: Partial<Status> } = {}): PageView {
  return {
    version: '0.0.0',
    problems: [],
    flow: { live: 0, backfill: 0, inFlight: 0 },
    samples: [],
    deadLetters: noDeadLetters,
    monotonicMs: 3_600_000,
    wallClockMs: Date.parse('2026-01-01T00:00:00Z'),
    ...given,
    status: { ...quietStatus, ...given.status },
  }
}
