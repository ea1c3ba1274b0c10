import { describe, expect, test } from 'vitest'
import { ConnectorError } from '../../src/model/failure/connector-error.ts'
import { sqlstate } from '../../src/model/failure/sqlstate.ts'
import { slotTroubleError } from '../../src/source/slot/slot-health.ts'
import { BlockedError } from '../../src/startup/blocked.ts'
import { checkFailed } from '../../src/startup/requirements/check-failed.ts'
import { SchemaChangedError } from '../../src/startup/schema/schema-change.ts'
import { afterBlocked, afterPreparing, afterRunning, noneLost } from '../../src/supervisor/next-attempt.ts'

const coded = (code: string) => Object.assign(new Error('as the server said'), { code })
const unmet = checkFailed([{ requirement: 'r', met: false, detail: 'not so', fix: null }])

describe('after the source could not be prepared', () => {
  test.each([
    { error: new BlockedError('why', 7), first: 'blocked', later: 'blocked' },
    { error: new ConnectorError('slot being made', 'why'), first: 'standby', later: 'standby' },
    { error: new ConnectorError('fenced', 'why'), first: 'standby', later: 'standby' },
    { error: coded(sqlstate.objectInUse), first: 'standby', later: 'standby' },
    { error: coded(sqlstate.duplicateObject), first: 'standby', later: 'standby' },
    { error: unmet, first: 'ends', later: 'blocked' },
    { error: coded(sqlstate.invalidPassword), first: 'ends', later: 'starting' },
    { error: coded(sqlstate.tooManyConnections), first: 'ends', later: 'starting' },
    { error: coded(sqlstate.cannotConnectNow), first: 'starting', later: 'starting' },
    { error: coded('ECONNREFUSED'), first: 'starting', later: 'starting' },
    { error: coded(sqlstate.undefinedObject), first: 'starting', later: 'starting' },
    { error: new Error('something else'), first: 'starting', later: 'starting' },
  ] as const)('$error.name $error.code: $first at the start, $later later', ({ error, first, later }) => {
    const shown = (isFirst: boolean) => {
      const next = afterPreparing(error, { attempt: 1, isFirst, random: 0.5 })
      return next instanceof Error ? 'ends' : next.state
    }
    expect([shown(true), shown(false)]).toEqual([first, later])
  })
})

describe('after the pipeline ended', () => {
  const gone = slotTroubleError('gone', 'slot')

  test('a lost slot is retried immediately, twice; then every ten seconds', () => {
    let lost = noneLost
    const waits = [gone, coded(sqlstate.objectNotInPrerequisiteState), gone, gone].map((failure) => {
      const after = afterRunning(failure, { lost, ranMs: 50 })
      lost = after.lost
      return [after.next.state, after.next.waitMs]
    })
    expect(waits).toEqual([
      ['starting', 0],
      ['starting', 0],
      ['blocked', 10_000],
      ['blocked', 10_000],
    ])
  })

  test('a pipeline that ran long enough restarts the count at one', () => {
    const { next, lost } = afterRunning(gone, { lost: { ...noneLost, count: 5 }, ranMs: 60_000 })
    expect([next.waitMs, lost.count]).toEqual([0, 1])
  })

  test('a publication that was replaced is remembered', () => {
    const dropped = slotTroubleError('publication dropped', 'slot')
    expect(afterRunning(dropped, { lost: noneLost, ranMs: 50 }).lost.replacedUpToRun).not.toBeNull()
    expect(afterRunning(gone, { lost: noneLost, ranMs: 50 }).lost.replacedUpToRun).toBeNull()
  })

  test('an undefined object in the WAL counts as the publication if it is missing twice in a row', () => {
    const first = afterRunning(coded(sqlstate.undefinedObject), { lost: noneLost, ranMs: 50 }).lost
    expect(first.replacedUpToRun).toBeNull()
    expect(
      afterRunning(coded(sqlstate.undefinedObject), { lost: first, ranMs: 50 }).lost.replacedUpToRun,
    ).not.toBeNull()
    expect(
      afterRunning(coded(sqlstate.objectNotInPrerequisiteState), { lost: first, ranMs: 50 }).lost.replacedUpToRun,
    ).toBeNull()
  })

  test('the memory holds for the run that blocks, and not after another instance has begun a later one', () => {
    const lost = { ...noneLost, count: 1, replacedUpToRun: Number.POSITIVE_INFINITY }
    expect(afterBlocked(lost, new BlockedError('why', 7)).replacedUpToRun).toBe(7)
    expect(afterBlocked({ ...lost, replacedUpToRun: 7 }, new BlockedError('why', 8)).replacedUpToRun).toBe(7)
    expect(afterBlocked(noneLost, new BlockedError('why', 7))).toBe(noneLost)
    expect(afterBlocked(lost, new Error('why'))).toBe(lost)
  })

  test('an instance that was replaced stands by; any other failure blocks for ten seconds', () => {
    const next = (failure: unknown) => afterRunning(failure, { lost: noneLost, ranMs: 50 }).next
    expect(next(new ConnectorError('fenced', 'why'))).toMatchObject({ state: 'standby', waitMs: 1_000 })
    expect(next(new Error('why'))).toMatchObject({ state: 'blocked', waitMs: 10_000 })
  })

  test('an altered table is checked again immediately, and it is remembered if the stream showed it', () => {
    const altered = (inStream: boolean) =>
      afterRunning(new SchemaChangedError('altered', { inStream }), { lost: noneLost, ranMs: 50 })
    expect(altered(true).next).toEqual({ state: 'starting', reason: 'altered', waitMs: 0 })
    expect([altered(true).lost.alteredStream, altered(false).lost.alteredStream]).toEqual([true, false])
    const blocked = afterBlocked(altered(true).lost, new BlockedError('the key', 7))
    expect(blocked.alteredStream).toBe(true)
  })
})
