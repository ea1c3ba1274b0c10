import type { Delivery } from '../../../pending/entry/version.ts'
import type { FetchedCode } from '../events.ts'
import type { Fetch, FetchSource } from './code-fetching.ts'
import type { Confirming } from './confirming.ts'

/** Called with the rows that reading back has shown as they were sent. */
type Proved = (shown: ReadonlySet<Delivery>, nowMs: number) => void

/** Batch that is being read back. */
interface Proof {
  readonly batch: readonly Delivery[]
  readonly proved: Proved
  readonly shown: Set<Delivery>
  /** Rows to look at in this round, and those that are being fetched. */
  toFetch: Delivery[]
  readonly underWay: Set<Delivery>
  round: number
  /** Number of the last round. */
  lastRound: number
  dueAtMs: number
}

/** Number of rows that are read back until one is shown. */
const samples = 3
/** Number of rounds in which a batch is read back while nothing was ever proven: the last begins after a minute. */
const maxRounds = 7
/** Number of further rounds once a row is shown: the API applied the others at about the same time. */
const moreRounds = 3
const delay = { firstMs: 1_000, maxMs: 30_000 }

/**
 * Reads back every row of a batch that was answered with a success which is not a documented one. Such an answer proves nothing, and
 * one row does not prove another: mediQuo may have had it before. Reads one batch at a time.
 */
export class Proving implements FetchSource {
  readonly #confirming: Pick<Confirming, 'recentUntilMs'>
  #proofs: Proof[] = []
  /** Most rounds that a proof has needed so far; null: nothing was proven. */
  #roundsNeeded: number | null = null

  constructor(confirming: Pick<Confirming, 'recentUntilMs'>) {
    this.#confirming = confirming
  }

  /** Number of batches that are not read back yet. */
  get batches(): number {
    return this.#proofs.length
  }

  begin(batch: readonly Delivery[], nowMs: number, proved: Proved): void {
    const lastRound = this.#roundsNeeded === null ? maxRounds : Math.min(maxRounds, this.#roundsNeeded + moreRounds)
    const proof = { batch, proved, shown: new Set<Delivery>(), underWay: new Set<Delivery>() }
    this.#proofs.push({ ...proof, toFetch: sampleOf(batch), round: 1, lastRound, dueAtMs: nowMs })
  }

  /** Stops reading back. @returns the batches of which nothing is known. */
  giveUp(): readonly (readonly Delivery[])[] {
    const batches = this.#proofs.map(({ batch }) => batch)
    this.#proofs = []
    return batches
  }

  nextAtMs(nowMs: number): number | null {
    const [proof] = this.#proofs
    return proof && proof.toFetch.length > 0 && proof.dueAtMs > nowMs ? proof.dueAtMs : null
  }
  wantsFetch(nowMs: number): boolean {
    const [proof] = this.#proofs
    return proof !== undefined && proof.toFetch.length > 0 && proof.dueAtMs <= nowMs
  }
  nextFetch(nowMs: number): Fetch | null {
    const [proof] = this.#proofs
    const delivery = proof && this.wantsFetch(nowMs) ? proof.toFetch.shift() : undefined
    if (!proof || !delivery) return null
    proof.underWay.add(delivery)
    const { code, patient } = delivery
    return { code, expected: patient, fetched: (found, atMs) => this.#fetched(proof, delivery, found, atMs) }
  }

  #fetched(proof: Proof, delivery: Delivery, found: FetchedCode, nowMs: number): void {
    if (this.#proofs[0] !== proof) return
    proof.underWay.delete(delivery)
    // An earlier acceptance of the code may not be applied yet: the API shows something older then, which is the same by chance.
    const isRecent = nowMs < this.#confirming.recentUntilMs(delivery.code)
    if (found.kind === 'patient' && found.isAsExpected && !isRecent) {
      if (proof.shown.size === 0) proof.lastRound = proof.round + moreRounds
      proof.shown.add(delivery)
      this.#roundsNeeded = Math.max(this.#roundsNeeded ?? 1, proof.round)
    }
    if (proof.toFetch.length === 0 && proof.underWay.size === 0) this.#endRound(proof, nowMs)
  }

  #endRound(proof: Proof, nowMs: number): void {
    const missing = proof.batch.filter((delivery) => !proof.shown.has(delivery))
    if (missing.length === 0 || proof.round >= proof.lastRound) {
      this.#proofs.shift()
      const [next] = this.#proofs
      if (next) next.dueAtMs = nowMs
      proof.proved(proof.shown, nowMs)
      return
    }
    // The others are looked at as soon as one is shown.
    const isFirstLook = proof.round === proof.lastRound - moreRounds && proof.shown.size > 0
    proof.toFetch = proof.shown.size === 0 ? sampleOf(proof.batch) : missing
    proof.dueAtMs = isFirstLook ? nowMs : nowMs + Math.min(delay.maxMs, delay.firstMs * 2 ** (proof.round - 1))
    proof.round++
  }
}

/** Returns rows from all over a batch. */
function sampleOf(batch: readonly Delivery[]): Delivery[] {
  const step = Math.ceil(batch.length / samples)
  return batch.filter((_, at) => at % step === 0)
}
