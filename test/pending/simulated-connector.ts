import { PassLedger } from '../../src/backfill/pass-ledger.ts'
import { Progress } from '../../src/checkpoint/progress.ts'
import type { CodeEnd } from '../../src/model/code-end.ts'
import type { Patient, PatientCode } from '../../src/model/patient.ts'
import type { Position } from '../../src/model/position.ts'
import type { RowKey } from '../../src/model/row.ts'
import type { StoredRow } from '../../src/model/stored-row.ts'
import { xid } from '../../src/model/visibility.ts'
import { Pending } from '../../src/pending/pending.ts'
import type { Content, Parcel } from '../../src/pending/version.ts'
import { at, fingerprint, position } from './rows.ts'

export interface Transaction {
  readonly commit: number
  readonly changes: readonly (readonly [key: RowKey, content: Content])[]
}

/** What outlives a crash: the stream, the state's tables and the API. */
export interface World {
  readonly stream: Transaction[]
  readonly state: Map<RowKey, StoredRow>
  readonly api: Map<string, Patient>
  checkpoint: number
  horizon: Position | null
  /** Versions that went back: the oracle's findings. */
  readonly back: string[]
}

interface Resolving {
  readonly key: RowKey
  readonly code: PatientCode
  readonly old: Patient | null
  /** Holders by the state, as a query gave them whose answer has not been looked at. */
  answer: readonly RowKey[] | null
  asked: number
}

const versionOf = (patient: Patient | undefined) => Number(patient?.first_name.slice(1) ?? 0)

/** One run of the connector between two crashes, whose every wait is a step of its own. */
export class SimulatedConnector {
  readonly #world: World
  readonly #progress: Progress
  readonly #pending: Pending
  #next: number
  #received: Position | null = null
  readonly #inFlight: { readonly parcel: Parcel; applied: boolean }[] = []
  #resolving: Resolving | null = null
  #recording: { readonly rows: readonly StoredRow[]; readonly lsn: number; written: boolean } | null = null

  constructor(world: World, onDelete: 'ignore' | 'unsubscribe') {
    this.#world = world
    this.#progress = new Progress(at(world.checkpoint))
    const { horizon } = world
    this.#pending = new Pending({
      debts: this.#progress,
      claims: new PassLedger(),
      horizon: horizon && horizon.commitLsn >= at(world.checkpoint) ? horizon : null,
      onDelete,
      fingerprint,
      confirming: { accepted: () => false, lost: () => undefined, mayRepeat: () => true },
      onSettled: () => undefined,
      maxRows: 1_000,
      maxBytes: 1_000_000,
    })
    this.#next = world.stream.findIndex(({ commit }) => commit >= world.checkpoint)
    if (this.#next === -1) this.#next = world.stream.length
  }

  get isQuiet(): boolean {
    return this.#progress.spans === 0 && this.#next >= this.#world.stream.length && this.#inFlight.length === 0
  }

  receive(): void {
    const transaction = this.#world.stream[this.#next]
    if (!transaction) return
    this.#next++
    const { commit, changes } = transaction
    this.#progress.begin(at(commit))
    for (const [index, [key, content]] of changes.entries()) {
      this.#received = position(commit, index + 1)
      const placed = { position: this.#received, xid: xid(BigInt(commit)), committedAtMs: 0, bytes: 1 }
      this.#pending.streamed({ key, content, ...placed })
    }
    this.#progress.commit(at(commit + 1))
    this.#pending.passed(this.#progress.receivedLsn)
  }

  lookUp(): void {
    for (const asked of this.#pending.toLookUp(2))
      this.#pending.lookedUp(asked, this.#world.state.get(asked.key) ?? null)
  }

  /** One step of finding the record for a code that ends: the state is asked, its answer is read, twice, then the API is. */
  resolve(): void {
    const resolving = this.#resolving
    if (!resolving) {
      const [ending] = this.#pending.toResolve(1)
      if (!ending) return
      const { key, code, patient } = ending
      if (this.#pending.isClaimed(code, key)) this.#pending.resolved(key, { code, kind: 'left' })
      else this.#resolving = { key, code, old: patient, answer: null, asked: 0 }
      return
    }
    const { key, code, old, answer } = resolving
    if (answer === null) {
      const holds = (row: StoredRow) => row.key !== key && row.code === code && !row.removed
      resolving.answer = [...this.#world.state.values()].filter(holds).map((row) => row.key)
      resolving.asked++
      return
    }
    const held = answer.some((holder) => this.#pending.mayHold(code, holder))
    if (held && resolving.asked < 2) {
      resolving.answer = null
      return
    }
    const found = this.#world.api.get(code)
    const patient = old ?? (found?.plan ? found : null)
    const end: CodeEnd = held ? { kind: 'left' } : patient ? { kind: 'send', patient } : { kind: 'ended' }
    this.#resolving = null
    this.#pending.resolved(key, { ...end, code })
  }

  send(limit: number): void {
    const batch = this.#pending.take(limit)
    if (batch.length > 0 && this.#received) this.#world.horizon = this.#received
    for (const parcel of batch) this.#inFlight.push({ parcel, applied: false })
  }

  /** The API applies a request. */
  apply(pick: number): void {
    const waiting = this.#inFlight.filter(({ applied }) => !applied)
    const sent = waiting[pick % waiting.length]
    if (!sent) return
    sent.applied = true
    const { patient } = sent.parcel
    const before = this.#world.api.get(patient.code)
    if (versionOf(patient) < versionOf(before)) {
      this.#world.back.push(`${patient.code}: ${before?.first_name} to ${patient.first_name}`)
    }
    this.#world.api.set(patient.code, patient)
  }

  /** An answer comes, or is lost on the way; what was not applied comes back. */
  answer(pick: number, fate: 'answered' | 'lost'): void {
    const [sent] = this.#inFlight.splice(pick % Math.max(1, this.#inFlight.length), 1)
    if (!sent) return
    if (fate === 'lost') this.#pending.lost(sent.parcel)
    else if (sent.applied) this.#pending.accepted(sent.parcel)
    else this.#pending.returned(sent.parcel)
  }

  /** One step of recording: what is settled is taken, written, and known to be written. */
  record(): void {
    const recording = this.#recording
    if (!recording) {
      this.#recording = { rows: this.#pending.toRecord(), lsn: Number(this.#progress.settledLsn), written: false }
    } else if (!recording.written) {
      for (const row of recording.rows) this.#world.state.set(row.key, row)
      this.#world.checkpoint = recording.lsn
      recording.written = true
    } else {
      this.#pending.recorded(recording.rows)
      this.#progress.stored(at(recording.lsn))
      this.#recording = null
    }
  }

  /** Requests that are out when the process dies are applied, or never were sent. */
  crash(picks: readonly boolean[]): void {
    for (const [index] of this.#inFlight.entries()) if (picks[index % picks.length]) this.apply(0)
  }
}
