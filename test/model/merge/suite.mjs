import { one, two, chains } from './scenarios.mjs'
const fresh = { bf: [1], api: [0], state: [0] }
export function* small() { // Ordered by size: the first violation is close to the shortest
  yield one('A', 'B', { ...fresh, pre: [0], cp0: 1 })
  for (const c of ['B', '-']) yield one('A', c, { reads: 1, crashes: 1 })
  yield one('A', 'B', { reads: 2 })
  yield one('A', 'BC', { reads: 1, crashes: 1 })
  yield* chains(1, ['A', 'B', 'b', '-', 'X', 'Y'], ['A', '-'], { reads: 1, crashes: 1 })
  yield* chains(1, ['A', 'B', 'b', '-', 'X', 'Y'], ['A', '-'], { reads: 1, crashes: 1, ...fresh })
  yield* chains(1, ['A', 'B', '-'], ['A', '-'], { reads: 1, crashes: 1, bf: [1], api: [1], state: [1] })
  yield* chains(2, ['A', 'B', 'b', '-', 'X', 'Y'], ['A', '-'], { reads: 1, crashes: 1 })
  yield two('AA', ['0B1B', '0C'], { crashes: 1 })
  yield two('AA', ['0B', '1B', '0A'], { crashes: 1 })
  yield* chains(2, ['A', 'B', '-'], ['A', '-'], { reads: 1, crashes: 1, ...fresh })
  yield* chains(2, ['A', 'B', '-'], ['A'], { reads: 1, timeouts: 1 , crashes: 1})
  for (const st of [1, 15]) yield* chains(1, ['A', 'B', '-', 'Y'], ['A', '-'], { reads: 1, crashes: 1, bf: [1], api: [st === 15 ? 0 : st], state: [st] })
  yield* chains(2, ['A', 'B', 'b', '-'], ['A', '-'], { reads: 2, crashes: 1 })
  yield two('A-', ['0B1B', '1-'], { reads: 1, crashes: 1 })
  yield* chains(3, ['A', 'B', '-'], ['A', '-'], { reads: 1, crashes: 1 })
}
export function* medium() {
  yield* chains(2, ['A', 'B', 'b', '-', 'X', 'Y'], ['A', '-'], { reads: 2, crashes: 2 })
  yield* chains(2, ['A', 'B', 'b', '-', 'X'], ['A', '-'], { reads: 1, crashes: 2, ...fresh })
  yield* chains(3, ['A', 'B', 'b', '-', 'X'], ['A', '-'], { reads: 1, crashes: 1 })
  yield* chains(2, ['A', 'B', '-', 'Y'], ['A', '-'], { reads: 1, crashes: 2, timeouts: 1 })
  for (const st of [1, 2, 15]) yield* chains(2, ['A', 'B', '-', 'Y'], ['A', '-'], { reads: 1, crashes: 2, bf: [1], api: [st === 15 ? 0 : st], state: [st] })
  yield* twoKeys()
}
export function* twoKeys() {
  const rs = { readSets: [[0, 1]] }
  yield two('AA', ['0B1B', '0C'], { reads: 1, crashes: 1, ...rs })
  yield two('AA', ['0B1B', '0A'], { reads: 1, crashes: 1, ...rs })
  yield two('A-', ['1B', '0B1-'], { reads: 1, crashes: 1, ...rs })
  yield two('A-', ['0-1B', '0A'], { reads: 1, crashes: 1, ...rs })
  yield two('AX', ['0B1A', '0X'], { reads: 1, crashes: 1, ...rs, api: [1, 0], state: [1, 0] })
  yield two('A-', ['0b1B'], { reads: 1, crashes: 1, bf: [1, 1], api: [0, 0], state: [0, 0], bfSets: [[0], [1]] })
  yield two('A-', ['0B', '1B'], { reads: 0, crashes: 1, bf: [1, 1], api: [0, 0], state: [0, 0], bfSets: [[0], [1]] })
  yield two('A-', ['0-', '1B'], { reads: 0, crashes: 1, bf: [1, 1], api: [1, 1], state: [1, 1], bfSets: [[0, 1]] })
}
import { related, relatedChains } from './scenarios.mjs'
/** D1: the hold with little room for payloads (holdMost), more than one key, and changes between the checkpoint and H */
export function* hold() {
  yield two('AA', ['0B1B', '0C'], { crashes: 1, holdMost: 1 })
  yield two('AA', ['0B1B', '0C'], { crashes: 1, holdMost: 0 })
  yield* chains(2, ['A', 'B', 'b', '-'], ['A', '-'], { reads: 1, crashes: 1, holdMost: 0 })
  yield* chains(2, ['A', 'B', '-', 'X', 'Y'], ['A', '-'], { reads: 1, crashes: 2, holdMost: 0 })
  yield two('AA', ['0B1B', '0C'], { reads: 1, crashes: 1, holdMost: 1, readSets: [[0]] })
  yield two('A-', ['0B1B', '0-', '1A'], { crashes: 1, holdMost: 1 })
  yield two('AA', ['0B1-', '0-', '1C'], { crashes: 1, holdMost: 1 })
  yield two('A-', ['0B1B', '1-'], { reads: 1, crashes: 1, holdMost: 1, readSets: [[0, 1]] })
}
/** D2: marks of reads are bounded (marksN), memory is bounded (mem) */
export function* marks() {
  yield two('AA', ['0b', '1b', '0B'], { marksN: 0, mem: 1 })
  for (const marksN of [0, 1]) yield* chains(2, ['A', 'B', 'b', '-'], ['A', '-'], { reads: 1, crashes: 1, marksN, mem: 1 })
  yield* chains(2, ['A', 'B', 'b', '-'], ['A', '-'], { reads: 2, crashes: 1, marksN: 0, mem: 1 })
  yield* chains(1, ['A', 'B', 'b', '-'], ['A', '-'], { reads: 1, crashes: 1, marksN: 0, mem: 1, bf: [1], api: [0], state: [0] })
  yield two('AA', ['0b', '1b', '0B'], { marksN: 0, mem: 1, crashes: 1 })
  yield two('AA', ['0b', '1-'], { marksN: 0, mem: 1, crashes: 1 })
  yield two('AA', ['0B1B', '0-'], { reads: 1, marksN: 1, mem: 2, crashes: 1, readSets: [[0, 1]] })
  yield two('A-', ['0B1B', '1-'], { reads: 1, marksN: 1, mem: 2, crashes: 1, readSets: [[0, 1]] })
  yield two('AA', ['0B', '1-', '0A'], { reads: 1, marksN: 0, mem: 2, readSets: [[0, 1]] })
  yield two('AA', ['0b', '1-', '0B'], { reads: 1, marksN: 1, mem: 1, readSets: [[0, 1]] })
  yield two('A-', ['0-', '1B'], { crashes: 1, marksN: 1, mem: 2, bf: [1, 1], api: [1, 1], state: [1, 1], bfSets: [[0, 1]] })
}
/** D6: related tables */
export function* relatedRows() {
  yield* relatedChains(1, ['0B', '0r', '0n', '0-', '0r0-', '0-0r', '0B0r'], ['A', '-'], { reads: 1, crashes: 1 })
  yield* relatedChains(2, ['0B', '0r', '0s', '0n', '0-', '0-0r', '0B0r'], ['A', '-'], { crashes: 1 })
  yield* relatedChains(2, ['0B', '0r', '0s', '0-', '0-0r', '0B0r'], ['A', '-'], { reads: 1, crashes: 1 })
  yield related('AA', ['0r1r', '0B', '1-'], { crashes: 1 })
  yield related('A-', ['0r1r', '1B', '0-'], { crashes: 1 })
  yield related('AA', ['0r1r', '0s1-'], { reads: 1, crashes: 1, readSets: [[0, 1]] })
  yield related('--', ['0r1r', '0A1A'], { reads: 1, crashes: 1, readSets: [[0, 1]] })
  yield* relatedChains(3, ['0B', '0r', '0s', '0-'], ['A', '-'], {})
  yield* relatedChains(3, ['0B', '0r', '0-'], ['A'], { crashes: 1 })
  yield* relatedChains(2, ['0B', '0r', '0-'], ['A', '-'], { reads: 1, crashes: 1, bf: [1], api: [0], state: [0] })
  yield* relatedChains(2, ['0B', '0r', '0-'], ['A', '-'], { reads: 1, crashes: 1, marksN: 0, mem: 1 })
}
/** D7: the slot and the checkpoint move to the end of the WAL, and a backfill is requested */
export function* resync() {
  yield* chains(1, ['A', 'B', '-', 'X', 'Y'], ['A', '-'], { reads: 1, crashes: 1, resyncs: 1 })
  yield* chains(2, ['A', 'B', 'b', '-', 'Y'], ['A', '-'], { crashes: 1, resyncs: 1 })
  yield* chains(2, ['A', 'B', '-'], ['A', '-'], { reads: 1, crashes: 1, resyncs: 1 })
  yield* chains(2, ['A', 'B', '-'], ['A'], { crashes: 2, resyncs: 1 })
  yield* chains(1, ['A', 'B', '-'], ['A', '-'], { crashes: 1, timeouts: 1, resyncs: 2 })
  yield* chains(3, ['A', 'B', '-'], ['A', '-'], { resyncs: 1 })
  yield two('A-', ['0B', '1B0-'], { crashes: 1, resyncs: 1 })
  yield* relatedChains(2, ['0B', '0r', '0-'], ['A'], { crashes: 1, resyncs: 1 })
}
/** D1, as a server with little memory that pauses the stream: the hold never ends */
export function* holdPaused() {
  yield two('AA', ['0B1B', '0C'], { crashes: 1, mem: 1, holdMost: 9 })
  yield two('AA', ['0B', '1B', '0C'], { crashes: 1, mem: 1, holdMost: 9 })
  yield two('AA', ['0B1B', '0C'], { crashes: 1, mem: 2, holdMost: 9 })
}
/** D6: a delete of the patient's row while a change of a related row is not visible yet */
export function* relatedDelete() {
  yield related('A', ['0r', '0-', '0A'])
}
function* under(rules, instances) { for (const scn of instances) yield { ...scn, rules } }
/** Rule 18: waiting versions are dropped, and their rows are owed */
export function* owe() { yield* under({ owe: 'stream' }, oweInstances()) }
function* oweInstances() {
  yield* chains(1, ['A', 'B', 'b', '-', 'X', 'Y'], ['A', '-'], { crashes: 1 })
  yield* chains(1, ['A', 'B', 'b', '-', 'X', 'Y'], ['A', '-'], { reads: 1, crashes: 1, ...fresh })
  yield* chains(2, ['A', 'B', 'b', '-'], ['A', '-'], { crashes: 1 })
  yield* chains(2, ['A', 'B', 'b', '-', 'X', 'Y'], ['A', '-'], { reads: 1, crashes: 1 })
  yield* chains(2, ['A', 'B', '-', 'Y'], ['A', '-'], { crashes: 1, timeouts: 1 })
  yield* chains(2, ['A', 'B', 'b', '-'], ['A', '-'], { crashes: 2 })
  yield* chains(3, ['A', 'B', '-'], ['A', '-'], { crashes: 1 })
  yield* chains(2, ['A', 'B', 'b', '-'], ['A', '-'], { crashes: 1, holdMost: 0 })
  yield* chains(2, ['A', 'B', 'b', '-'], ['A', '-'], { crashes: 1, marksN: 0, mem: 1 })
  yield* chains(1, ['A', 'B', '-', 'Y'], ['A', '-'], { crashes: 1, resyncs: 1 })
  yield two('AA', ['0B1B', '0C'], { crashes: 1, holdMost: 1 })
  yield two('AA', ['0b', '1b', '0B'], { marksN: 0, mem: 1 })
  yield two('AA', ['0b', '1-'], { marksN: 0, mem: 1, crashes: 1 })
  yield two('AA', ['0B', '1B', '0A'], { crashes: 1 })
  yield two('A-', ['0B1B', '1-'], { crashes: 1 })
  yield two('A-', ['0-1B', '0A'], { crashes: 1 })
}
/** Rule 18 with related tables */
export function* oweRelated() { yield* under({ owe: 'stream', oweXid: 'all' }, oweRelatedInstances()) }
function* oweRelatedInstances() {
  yield* relatedChains(1, ['0B', '0r', '0-', '0r0-', '0B0r'], ['A', '-'], { reads: 1, crashes: 1 })
  yield* relatedChains(2, ['0B', '0r', '0s', '0-', '0-0r', '0B0r'], ['A', '-'], {})
  yield* relatedChains(2, ['0B', '0r', '0s', '0-'], ['A', '-'], { crashes: 1 })
  yield* relatedChains(3, ['0B', '0r', '0-'], ['A'], {})
}
/** Rule 18, doubt: a lost request may be applied later */
export function* oweLate() { yield* under({ owe: 'stream', oweDoubt: 'dead' }, oweLateInstances()) }
function* oweLateInstances() {
  yield* chains(1, ['B', '-', 'Y'], ['A'], { timeouts: 1, late: 1 })
  yield* chains(2, ['A', 'B', '-'], ['A', '-'], { timeouts: 1, late: 1 })
  yield* chains(2, ['A', 'B', 'b', '-'], ['A', '-'], { timeouts: 1, late: 1, crashes: 1 })
  yield* chains(2, ['A', 'B', '-'], ['A', '-'], { timeouts: 2, late: 2 })
}
