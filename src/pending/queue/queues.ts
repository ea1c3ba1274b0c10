import type { PatientCode } from '../../model/patient/patient.ts'
import type { Lane } from '../../model/progress/lane.ts'
import { comparePositions } from '../../model/source/position.ts'
import type { Entry, EntryView, Place } from '../entry/entry.ts'
import { codesToEnd } from '../entry/entry-facts.ts'
import { codeOf, type Delivery, type Version } from '../entry/version.ts'

/** Position of an entry in the queues. */
interface Stand {
  queue: Set<Entry> | null
  lane: Lane
  codes: readonly PatientCode[]
  /** True while it waits for the end of its transaction and keeps its turn among the rows to be sent. */
  keepsTurn: boolean
}

/** Places where entries wait, each in order of arrival, with an index by code. An entry is in one place. */
export class Queues {
  /** Number of entries that only keep their turn among those to be sent. */
  readonly #kept: Record<Lane, number> = { live: 0, backfill: 0 }
  readonly #queues: Record<Place, Record<Lane, Set<Entry>>> = {
    'look up': { live: new Set(), backfill: new Set() },
    read: { live: new Set(), backfill: new Set() },
    commit: { live: new Set(), backfill: new Set() },
    'resolve removal': { live: new Set(), backfill: new Set() },
    'end code': { live: new Set(), backfill: new Set() },
    send: { live: new Set(), backfill: new Set() },
  }
  readonly #where = new Map<Entry, Stand>()
  readonly #byCode = new Map<PatientCode, Set<Entry>>()
  readonly #inFlight = new Map<PatientCode, Delivery>()
  readonly #counts: Record<Lane, number> = { live: 0, backfill: 0 }

  get counts(): Readonly<Record<Lane, number>> {
    return this.#counts
  }

  /** Returns the entries in their order. In the place `send`, some entries may only keep their turn: their state is another. */
  queue(move: Place, lane: Lane): ReadonlySet<Entry> {
    return this.#queues[move][lane]
  }

  /** Returns the number of rows of a lane that could be sent now. */
  sendable(lane: Lane): number {
    return this.#queues.send[lane].size - this.#kept[lane] + this.#queues['end code'][lane].size
  }

  /** Returns true if a row has its turn among those to be sent, even if a newer version of it waits for its commit. */
  hasTurn(entry: Entry): boolean {
    const stand = this.#where.get(entry)
    return stand !== undefined && (stand.keepsTurn || stand.queue === this.#queues.send[stand.lane])
  }

  /** Returns the number of entries that wait in a place. */
  size(place: Place): number {
    return this.#queues[place].live.size + this.#queues[place].backfill.size
  }

  /** Returns the oldest entries of a place, live before backfill. */
  first(place: Place, limit: number): Entry[] {
    const found: Entry[] = []
    for (const queue of [this.#queues[place].live, this.#queues[place].backfill]) {
      for (const entry of queue) {
        if (found.length >= limit) return found
        found.push(entry)
      }
    }
    return found
  }

  /**
   * Moves an entry. It keeps its turn if it stays in its place, or if it was to be sent and has a newer version whose transaction
   * is still arriving: otherwise a row that changes all the time would never be sent. Null removes it; its codes stay known while
   * something of it waits or is in flight.
   */
  place(entry: Entry, place: Place | null): void {
    if (place) entry.waitIn(place)
    const now = this.#where.get(entry)
    const { waiting } = entry
    const queue = place && waiting ? this.#queues[place][waiting.lane] : null
    const newest = newestOf(entry)
    const codes = newest ? codesOf(entry, newest) : noCodes
    const hasSameCodes = now !== undefined && isSame(now.codes, codes)
    if (hasSameCodes && now.queue === queue) return
    if (now) {
      if (now.queue !== queue) this.#leave(entry, now, place)
      if (now.queue) this.#counts[now.lane]--
      // Most changes do not change a row's codes.
      if (!hasSameCodes) for (const code of now.codes) this.#unindex(code, entry)
    }
    if (!newest) {
      this.#where.delete(entry)
      return
    }
    queue?.add(entry)
    if (queue) this.#counts[newest.lane]++
    if (!hasSameCodes) for (const code of codes) this.#index(code, entry)
    if (!now) {
      this.#where.set(entry, { queue, lane: newest.lane, codes, keepsTurn: false })
      return
    }
    now.queue = queue
    now.lane = newest.lane
    now.codes = codes
  }

  #leave(entry: Entry, stand: Stand, next: Place | null): void {
    const { queue, lane } = stand
    const inSameLane = entry.waiting?.lane === lane
    const send = this.#queues.send[lane]
    if (queue === send && next === 'commit' && inSameLane) {
      stand.keepsTurn = true
      this.#kept[lane]++
      return
    }
    queue?.delete(entry)
    if (!stand.keepsTurn) return
    stand.keepsTurn = false
    this.#kept[lane]--
    if (next !== 'send' || !inSameLane) send.delete(entry)
  }

  /**
   * Returns true if another row has an older version with this code. It must be sent first, or it would overwrite the newer. A row
   * in flight counts only with its own code: it may just be unsubscribing another.
   */
  hasEarlier(code: PatientCode, entry: Entry): boolean {
    const { waiting } = entry
    if (!waiting) return false
    for (const other of this.#byCode.get(code) ?? []) {
      const theirs = other === entry ? null : newestOf(other)
      if (theirs && codeOf(theirs.content) === code && isOlder(theirs, waiting)) return true
    }
    return false
  }

  /** Number of codes with a request in flight. */
  get inFlight(): number {
    return this.#inFlight.size
  }
  isInFlight(code: PatientCode): boolean {
    return this.#inFlight.has(code)
  }
  markInFlight(delivery: Delivery): void {
    this.#inFlight.set(delivery.code, delivery)
  }
  clearInFlight(delivery: Delivery): void {
    this.#inFlight.delete(delivery.code)
  }

  /**
   * Returns true if another row has or will have this code for a patient, or has a later position in the stream and will
   * unsubscribe it.
   */
  isCodeOwnedByOther(code: PatientCode, entry: Entry): boolean {
    const inFlight = this.#inFlight.get(code)
    if (inFlight && inFlight.key !== entry.key && inFlight.purpose === 'upsert') return true
    const position = entry.waiting?.position
    for (const other of this.sharing(code, entry)) {
      const theirs = newestOf(other)
      if (theirs && keepsAnother(other, theirs, code)) continue
      const content = theirs?.content
      if ((content?.kind === 'patient' || content?.kind === 'incomplete') && codeOf(content) === code) return true
      if (position && theirs?.position && comparePositions(theirs.position, position) > 0) return true
    }
    return false
  }

  /**
   * Returns true if the owner of a code is not known yet: the record of another row with it is not loaded. After a restart that
   * row's change may turn out to be settled, possibly because the row had left the code to this one.
   */
  isUndecided(code: PatientCode, entry: Entry): boolean {
    return this.sharing(code, entry).some(({ stored }) => stored === undefined)
  }

  /** Returns the other rows that wait or are in flight and have this code, had it, or will have it. */
  sharing(code: PatientCode, entry: Entry): Entry[] {
    return [...(this.#byCode.get(code) ?? [])].filter((other) => other !== entry)
  }

  #index(code: PatientCode, entry: Entry): void {
    const entries = this.#byCode.get(code)
    if (entries) entries.add(entry)
    else this.#byCode.set(code, new Set([entry]))
  }

  #unindex(code: PatientCode, entry: Entry): void {
    const entries = this.#byCode.get(code)
    entries?.delete(entry)
    if (entries?.size === 0) this.#byCode.delete(code)
  }
}

/**
 * Returns true if `a` had the code first; both wait with the same code. A streamed change is older than a read: if the row that was
 * read had lost the code to it, that loss would have been streamed earlier, and would have replaced the read.
 */
function isOlder(a: Version, b: Version): boolean {
  if (a.origin !== b.origin) return a.origin === 'stream'
  if (a.origin === 'read' && a.read?.number !== b.read?.number) return (a.read?.number ?? 0) < (b.read?.number ?? 0)
  if (a.position === null || b.position === null) return false
  const order = comparePositions(a.position, b.position)
  // A change of a row's key is one change: the end of the old row is older than the new row.
  return order < 0 || (order === 0 && a.content.kind === 'removed' && b.content.kind !== 'removed')
}

/** Returns the newest version of a row: the one that waits, else the one in flight. */
function newestOf({ waiting, inFlight }: EntryView): Version | null {
  return waiting ?? inFlight
}

/** Returns true if a row that will be rejected keeps another code that mediQuo has of it: it does not own its present code then. */
function keepsAnother({ stored }: EntryView, { content }: Version, code: PatientCode): boolean {
  if (content.kind !== 'invalid' || content.code !== code || !stored || stored.removed) return false
  return stored.code !== null && stored.code !== code
}

const noCodes: readonly PatientCode[] = []

function codesOf(entry: EntryView, newest: Version): readonly PatientCode[] {
  const code = codeOf(newest.content)
  const others = codesToEnd(entry, code)
  return code === null ? others : [code, ...others]
}

function isSame(a: readonly PatientCode[], b: readonly PatientCode[]): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}
