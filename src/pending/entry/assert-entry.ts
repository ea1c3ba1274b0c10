import { comparePositions } from '../../model/source/position.ts'
import type { Entry } from './entry.ts'

/** Checks the invariants of an entry between two events. @throws {Error} that names the violated one. */
export function assertEntry(entry: Entry): void {
  const { key, state, waiting, inFlight, stored, unrecorded, known } = entry
  const check = (holds: boolean, invariant: string): void => {
    if (!holds) throw new Error(`entry ${key}, ${state}: ${invariant}`)
  }
  // 1. The state agrees with the versions that wait and are in flight.
  check((state === 'in flight' || state === 'overtaken') === (inFlight !== null), 'in flight by its state')
  check((state === 'idle' || state === 'in flight') === (waiting === null), 'waiting by its state')
  // 2. Nothing is undecided between two events.
  check(state !== 'unplaced', 'placed')
  // 3. Nothing is sent or recorded before the record is loaded.
  check(stored !== undefined || (inFlight === null && unrecorded === null), 'loaded before it is sent or recorded')
  check((state === 'look up') === (waiting !== null && inFlight === null && stored === undefined), 'loaded first')
  // 4. The record to be stored is the record that memory believes.
  check(unrecorded === null || unrecorded === stored, 'recorded as believed')
  // 5. A way to unsubscribe a code belongs to a version that waits or is in flight.
  check(entry.removal === null || waiting !== null || inFlight !== null, 'ends a code for a version')
  // 6. The waiting version is not older than the version in flight.
  const isInOrder =
    !waiting?.position || !inFlight?.position || comparePositions(waiting.position, inFlight.position) >= 0
  check(isInOrder, 'in the order of the stream')
  // 7. No streamed version is newer than the newest known change.
  const isKnown =
    waiting?.origin !== 'stream' ||
    !waiting.position ||
    (known !== null && comparePositions(waiting.position, known.position) <= 0)
  check(isKnown, 'known by the stream')
}
