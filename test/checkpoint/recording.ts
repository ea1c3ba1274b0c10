import { Horizon } from '../../src/checkpoint/horizon.ts'
import { Progress } from '../../src/checkpoint/progress.ts'
import { Recorder } from '../../src/checkpoint/recorder.ts'
import { WakeUp } from '../../src/lifecycle/wake-up.ts'
import { lsn } from '../../src/model/lsn.ts'
import type { PassProgress } from '../../src/model/pass.ts'
import type { Position } from '../../src/model/position.ts'
import { storedRowKey } from '../../src/model/row.ts'
import type { StoredRow } from '../../src/model/stored-row.ts'

/** A recorder with one row and one transaction to record, the means to give it more, and a log of what it did. */
export function recording(write: () => Promise<void>, random = 0) {
  const progress = new Progress(lsn(10n))
  progress.begin(lsn(20n))
  progress.commit(lsn(30n))
  let rows: readonly StoredRow[] = [row('["a"]')]
  const log: string[] = []
  const wakeUp = new WakeUp()
  let pass: PassProgress | null = null
  let received: Position | null = null
  let mustBeNoted = false
  const recorder = new Recorder({
    progress,
    pending: {
      get unrecorded() {
        return rows.length
      },
      toRecord: () => rows,
      recorded: (stored) => {
        log.push('recorded')
        rows = rows.filter((one) => !stored.includes(one))
      },
    },
    pass: {
      toRecord: () => pass,
      recorded: ({ rowsRead }) => {
        log.push(`recorded ${rowsRead} read`)
        pass = null
      },
    },
    horizon: new Horizon({ durable: null, received: () => received, readTo: () => null }),
    requests: {
      get mustBeNoted() {
        return mustBeNoted
      },
    },
    write: async (settlement) => {
      const { rows: stored, checkpointLsn, horizon } = settlement
      log.push(
        `write ${stored.length} ${checkpointLsn}${horizon ? ` H ${horizon.commitLsn}` : ''}${settlement.pass ? ` rows read ${settlement.pass.rowsRead}` : ''}`,
      )
      await write()
      mustBeNoted = false
    },
    onDurable: (durable) => log.push(`acknowledge ${durable}`),
    onTrouble: () => log.push('trouble'),
    isFatal: (error) => error instanceof RangeError,
    wakeUp,
    random: () => random,
  })
  return {
    recorder,
    progress,
    log,
    wakeUp,
    commit: (end: number) => {
      progress.begin(lsn(BigInt(end - 10)))
      progress.commit(lsn(BigInt(end)))
    },
    writes: () => log.filter((line) => line.startsWith('write')),
    grow: () => {
      rows = [...rows, row('["b"]')]
    },
    receive: (bytes: number) => {
      received = { commitLsn: lsn(BigInt(bytes)), ordinal: 1 }
    },
    sendUnnoted: () => {
      mustBeNoted = true
    },
    read: (rowsRead: number) => {
      pass = { id: 1, position: null, rowsRead, done: false }
    },
  }
}

const row = (key: string): StoredRow => ({
  key: storedRowKey(key),
  code: null,
  fingerprint: null,
  removed: false,
  position: null,
  xid: null,
  deadLetter: null,
  formerCodes: [],
  owed: null,
})
