import type { PatientCode } from '../../model/patient/patient.ts'
import type { StoredRow } from '../../model/progress/stored-row.ts'
import type { Position } from '../../model/source/position.ts'
import type { RowKey } from '../../model/source/row.ts'
import type { Xid } from '../../model/source/visibility.ts'
import { acceptedCodesOf } from './record-codes.ts'
import type { Delivery, MergedRead, Removal, Version } from './version.ts'

/**
 * Places in which a version waits: for its record, a table read, the end of its transaction, the record of an ended code, a request
 * that unsubscribes a code, or a request that carries the row.
 */
export const places = ['look up', 'read', 'commit', 'resolve removal', 'end code', 'send'] as const
export type Place = (typeof places)[number]

/** `idle`: nothing waits or is in flight. `unplaced`: the next step is undecided. `overtaken`: in flight while a newer version waits. */
export const entryStates = ['idle', 'unplaced', ...places, 'in flight', 'overtaken'] as const
export type EntryState = (typeof entryStates)[number]

/**
 * `arrive`: a version takes the waiting place. `settle`: the waiting version ends without a request. `send`: it is sent. `land`:
 * the version in flight ends. `put back`: the version in flight waits again, or joins the newer version that waits.
 */
export const entryEvents = ['arrive', 'settle', 'send', 'land', 'put back'] as const
export type EntryEvent = (typeof entryEvents)[number]

type Transitions = Readonly<Record<EntryEvent, EntryState | null>>
const waits: Transitions = { arrive: 'unplaced', settle: 'idle', send: null, land: null, 'put back': null }

/**
 * Transition table of an entry: state × event → state; null: impossible. The scheduler moves it between the places, which differ only
 * in `send`.
 */
export const transitions: Readonly<Record<EntryState, Transitions>> = {
  idle: { arrive: 'unplaced', settle: null, send: null, land: null, 'put back': null },
  unplaced: waits,
  'look up': waits,
  read: waits,
  commit: waits,
  'resolve removal': waits,
  'end code': { ...waits, send: 'in flight' },
  send: { ...waits, send: 'in flight' },
  'in flight': { arrive: 'overtaken', settle: null, send: null, land: 'idle', 'put back': 'unplaced' },
  overtaken: { arrive: 'overtaken', settle: null, send: null, land: 'unplaced', 'put back': 'unplaced' },
}

/** Everything that memory knows of one row: at most one waiting and one in-flight version, and flags. */
export interface EntryView {
  readonly key: RowKey
  /** Row record, including one that is still to be stored; null if there is none, undefined until it is loaded. */
  readonly stored: StoredRow | null | undefined
  readonly known: { readonly position: Position; readonly xid: Xid } | null
  readonly waiting: Version | null
  readonly inFlight: Version | null
  /** True if the API may have something else than the fingerprint says. */
  readonly inDoubt: boolean
  /** True if a request of this run or an earlier one was never answered: the API may apply it after a later one. */
  readonly unanswered: boolean
  /** Accepted deliveries that are to be read back before they count as applied: one for each code. */
  readonly unconfirmed: readonly Delivery[]
  readonly removal: Removal | null
  /** The code whose record is being looked for. Null once something is sent for the row: then the record is out of date. */
  readonly resolving: PatientCode | null
  /** Codes of versions without an answer, and codes that another row left to this one. */
  readonly formerCodes: readonly PatientCode[]
  /** Codes of which mediQuo has accepted something, from this row or from one that gave the code up (rule 20). */
  readonly acceptedCodes: readonly PatientCode[]
  /** Former codes that the API refused to unsubscribe since the newest version arrived: the next version tries them again. */
  readonly refusedCodes: readonly PatientCode[]
  /** The mark: the last read that was merged, until the stream has passed its end or the mark is forgotten. */
  readonly read: MergedRead | null
  /** True while a read is in progress that may return the row: it stays in memory until the read is merged. */
  readonly expected: boolean
  /** Row record that the store is to have and does not have yet. */
  readonly unrecorded: StoredRow | null
}

/** Identity of a row whose record is being loaded: the answer is stale if the row was forgotten and opened again in the meantime. */
export type LookUp = Pick<EntryView, 'key'>

/** State machine of one row. Every change of an entry is a method here. */
export class Entry implements EntryView {
  readonly key: RowKey
  #state: EntryState = 'idle'
  #stored: StoredRow | null | undefined = undefined
  #known: EntryView['known'] = null
  #waiting: Version | null = null
  #inFlight: Version | null = null
  #inDoubt = false
  #unanswered = false
  #unconfirmed: readonly Delivery[] = []
  #removal: Removal | null = null
  #resolving: PatientCode | null = null
  #formerCodes: readonly PatientCode[] = []
  #acceptedCodes: readonly PatientCode[] = []
  #refusedCodes: readonly PatientCode[] = []
  #read: MergedRead | null = null
  #expected = false
  #unrecorded: StoredRow | null = null
  #isOutdated = false

  constructor(key: RowKey) {
    this.key = key
  }

  get state(): EntryState {
    return this.#state
  }
  get stored(): StoredRow | null | undefined {
    return this.#stored
  }
  get known(): EntryView['known'] {
    return this.#known
  }
  get waiting(): Version | null {
    return this.#waiting
  }
  get inFlight(): Version | null {
    return this.#inFlight
  }
  get inDoubt(): boolean {
    return this.#inDoubt
  }
  get unanswered(): boolean {
    return this.#unanswered
  }
  get unconfirmed(): readonly Delivery[] {
    return this.#unconfirmed
  }
  get removal(): Removal | null {
    return this.#removal
  }
  get resolving(): PatientCode | null {
    return this.#resolving
  }
  get formerCodes(): readonly PatientCode[] {
    return this.#formerCodes
  }
  get acceptedCodes(): readonly PatientCode[] {
    return this.#acceptedCodes
  }
  get refusedCodes(): readonly PatientCode[] {
    return this.#refusedCodes
  }
  get read(): MergedRead | null {
    return this.#read
  }
  get expected(): boolean {
    return this.#expected
  }
  get unrecorded(): StoredRow | null {
    return this.#unrecorded
  }
  /** True if another row gave up a code of this row since the version in flight was cut, or since the record was asked for. */
  get isOutdated(): boolean {
    return this.#isOutdated
  }
  /** True if memory may forget the row. */
  get isDone(): boolean {
    const isKept = this.#read || this.#expected || this.#unrecorded || this.#unconfirmed.length > 0
    return this.#state === 'idle' && !isKept
  }

  // Versions.

  arrive(version: Version): void {
    this.#step('arrive')
    this.#waiting = version
    this.#refusedCodes = []
    // The owner of the code was decided by what the stream had shown until then. The read may be ahead of it.
    if (version.read) this.#removal = null
  }
  /** Sets the place of the waiting version, once its next step is decided. */
  waitIn(place: Place): void {
    if (!this.#waiting || this.#inFlight) throw new Error(`a row that is ${this.#state} was given a place`)
    this.#state = place
  }
  settle(): void {
    this.#step('settle')
    this.#waiting = null
    this.#removal = null
  }
  send(): Version {
    this.#step('send')
    const version = this.#waiting
    if (!version) throw new Error('nothing waits that could be sent')
    this.#inFlight = version
    this.#waiting = null
    this.#resolving = null
    this.#isOutdated = false
    return version
  }
  clearInFlight(): void {
    this.#step('land')
    this.#inFlight = null
    if (!this.#waiting) this.#removal = null
  }
  /** @returns true if the version waits again, false if a newer one waits. */
  putBack(): boolean {
    const isNewest = this.#waiting === null
    this.#step('put back')
    if (isNewest) this.#waiting = this.#inFlight
    this.#inFlight = null
    return isNewest
  }

  // Knowledge about the row.

  load(stored: StoredRow | null): void {
    this.#stored = stored
    this.#acceptedCodes = acceptedCodesOf(stored)
    this.#isOutdated = false
  }
  /** Sets the record that the store is to have. */
  store(row: StoredRow): void {
    this.#stored = row
    this.#unrecorded = row
  }
  recorded(row: StoredRow): void {
    if (this.#unrecorded === row) this.#unrecorded = null
  }
  /** Notes a streamed change: known(K). */
  know(position: Position, xid: Xid): void {
    this.#known = { position, xid }
  }
  doubt(): void {
    this.#inDoubt = true
  }
  /** Another row gave up a code of this row. */
  outdate(): void {
    this.#isOutdated = true
  }
  /** A request was not answered: the API may apply it later. */
  doubtAnswer(): void {
    this.#inDoubt = true
    this.#unanswered = true
  }
  /** The API accepted a version: it has that version, unless an older request is applied later. */
  accept(): void {
    this.#inDoubt = false
  }
  /** No older request can be applied any more. */
  believe(): void {
    this.#inDoubt = false
    this.#unanswered = false
  }
  watch(delivery: Delivery): void {
    this.#unconfirmed = [...this.#unconfirmed, delivery]
  }
  unwatch(delivery: Delivery): void {
    this.#unconfirmed = this.#unconfirmed.filter((one) => one !== delivery)
  }

  // Codes.

  remember(code: PatientCode): void {
    if (!this.#formerCodes.includes(code)) this.#formerCodes = [...this.#formerCodes, code]
  }
  /** mediQuo has accepted something with a code. */
  mayHave(code: PatientCode): void {
    if (!this.#acceptedCodes.includes(code)) this.#acceptedCodes = [...this.#acceptedCodes, code]
  }
  forgetCode(code: PatientCode): void {
    this.#formerCodes = this.#formerCodes.filter((former) => former !== code)
  }
  forgetCodes(): void {
    this.#formerCodes = []
  }
  /** The API refused to unsubscribe a former code. */
  refuse(code: PatientCode): void {
    this.#refusedCodes = [...this.#refusedCodes, code]
  }
  forgetRefusals(): void {
    this.#refusedCodes = []
  }
  resolve(code: PatientCode): void {
    this.#resolving = code
  }
  stopResolving(): void {
    this.#resolving = null
  }
  end(removal: Removal | null): void {
    this.#removal = removal
  }

  // Table reads.

  expect(isExpected: boolean): void {
    this.#expected = isExpected
  }
  mark(read: MergedRead | null): void {
    this.#read = read
  }

  #step(event: EntryEvent): void {
    const next = transitions[this.#state][event]
    if (next === null) throw new Error(`impossible: ${event} of a row that is ${this.#state}`)
    this.#state = next
  }
}
