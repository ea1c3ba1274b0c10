import { type BatchOutcome, Dispatcher } from '../../src/delivery/dispatcher.ts'
import { WakeUp } from '../../src/lifecycle/wake-up.ts'
import { type Patient, type PatientCode, patientCode } from '../../src/model/patient.ts'

interface TestParcel {
  readonly code: PatientCode
  readonly patient: Patient
}

interface DispatchingOptions {
  readonly batchSize?: number
  readonly maxInFlight?: number
  readonly monotonicMs?: () => number
}

/**
 * A dispatcher that runs, between a pending set that is a list of these codes, a quota that grants as told and an API that
 * answers as told; and what came of it.
 */
export function dispatching(
  codes: readonly string[],
  answer: (codes: readonly string[]) => BatchOutcome | Promise<BatchOutcome>,
  { batchSize = 4, maxInFlight = 2, monotonicMs = () => performance.now() }: DispatchingOptions = {},
) {
  const waiting = codes.map(parcelOf)
  const log = {
    accepted: [] as string[],
    refused: [] as string[],
    returned: [] as string[],
    lost: [] as string[],
    doubted: [] as string[],
  }
  const requests: string[][] = []
  /** What each batch came to, and the trouble that there is since. */
  const batches: unknown[] = []
  const rejected: number[] = []
  const letters: unknown[] = []
  const errors: unknown[] = []
  const permits = { taken: 0, answered: 0, unused: 0 }
  const stop = new AbortController()
  const wakeUp = new WakeUp()
  const set = {
    maySend: true,
    /** Newer versions of rows in flight: they wait, and cannot be taken. */
    untakeable: 0,
    horizon: async (): Promise<void> => undefined,
    granted: (): Promise<void> => Promise.resolve(),
    /** What happens once a permit is granted, before the dispatcher has it. */
    meanwhile: (): void => undefined,
  }
  let mostInFlight = 0
  let inFlight = 0
  const settled = new WakeUp()
  const note = (list: string[]) => (parcel: TestParcel) => {
    list.push(parcel.code)
    settled.ring()
  }
  const dispatcher = new Dispatcher<TestParcel>({
    pending: {
      take: (limit) => waiting.splice(0, limit),
      accepted: note(log.accepted),
      refused: (parcel, { reason, status }) => {
        letters.push([parcel.code, reason, status])
        note(log.refused)(parcel)
      },
      returned: (parcel) => {
        note(log.returned)(parcel)
        waiting.push(parcel)
      },
      lost: (parcel) => {
        note(log.lost)(parcel)
        waiting.push(parcel)
      },
      doubted: note(log.doubted),
    },
    sendable: () => waiting.length + set.untakeable,
    quota: {
      next: async (signal) => {
        await set.granted()
        if (signal.aborted) return null
        permits.taken++
        set.meanwhile()
        return { answered: () => void permits.answered++, unused: () => void permits.unused++ }
      },
    },
    put: async (patients) => {
      inFlight++
      mostInFlight = Math.max(mostInFlight, inFlight)
      requests.push(patients.map(({ code }) => code))
      const outcome = await answer(patients.map(({ code }) => code))
      inFlight--
      return { outcome, remaining: null }
    },
    beforeSending: () => set.horizon(),
    maySend: () => set.maySend,
    batchSize,
    maxInFlight,
    requestsPerMinute: 600,
    wakeUp,
    onBatch: (batch, { kind }) => {
      const { trouble } = dispatcher
      batches.push([batch.map(({ code }) => code).join(''), kind, trouble?.kind ?? null, trouble?.reason ?? null])
    },
    onRejecting: (status) => rejected.push(status),
    onError: (error) => {
      errors.push(error)
      settled.ring()
    },
    monotonicMs,
    random: () => 0,
  })
  const running = dispatcher.run(stop.signal)
  return {
    dispatcher,
    log,
    requests,
    batches,
    rejected,
    letters,
    errors,
    permits,
    set,
    wakeUp,
    add(code: string) {
      waiting.push(parcelOf(code))
      wakeUp.ring()
    },
    get mostInFlight() {
      return mostInFlight
    },
    /** Until so many rows have been settled for good. */
    async done(rows: number) {
      while (log.accepted.length + log.refused.length < rows) await settled.heard()
    },
    async drain() {
      stop.abort()
      await running
    },
  }
}

function parcelOf(code: string): TestParcel {
  return { code: patientCode(code), patient: { code: patientCode(code), first_name: 'x' } }
}

/** So many codes: a, b, c … */
export const letters = (count: number) => Array.from({ length: count }, (_, at) => String.fromCharCode(97 + at))

/** The answer to a batch that was delivered. */
export const accepted: BatchOutcome = { kind: 'accepted' }
