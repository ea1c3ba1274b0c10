import { DatabaseError } from 'pg'
import { describe, expect, test } from 'vitest'
import { ConnectorError } from '../../../src/model/failure/connector-error.ts'
import { endsPipeline, failures } from '../../../src/model/failure/failure.ts'
import { failureKinds } from '../../../src/model/failure/failure-kind.ts'
import { kindOf, unwrapped } from '../../../src/model/failure/kind-of.ts'
import { sqlstate } from '../../../src/model/failure/sqlstate.ts'

const coded = (code: string) => Object.assign(new Error('as it said'), { code })

describe('a failure', () => {
  test('has a code of its own', () => {
    const codes = failureKinds.map((kind) => failures[kind].code)
    expect(new Set(codes).size).toBe(codes.length)
    for (const code of codes) expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
  })

  test('ends the pipeline only if neither a new connection nor a repeated query fixes it', () => {
    expect(failureKinds.filter(endsPipeline)).toEqual([
      'decision needed',
      'slot missing',
      'slot invalidated',
      'slot ahead',
      'slot unreadable',
      'slot object missing',
      'publication dropped',
      'server changed',
      'schema changed',
      'key column missing',
      'stream not understood',
      'fenced',
      'store went back',
      'state rewritten',
    ])
  })
})

describe('the kind of an error', () => {
  test.each([
    ['of ours is what it was made with', new ConnectorError('slot being made', 'why'), 'slot being made'],
    ['of ours counts inside a wrapper', new Error('wrapped', { cause: new ConnectorError('fenced', 'why') }), 'fenced'],
    ['of PostgreSQL is told by SQLSTATE', coded(sqlstate.objectInUse), 'slot in use'],
    ['of a driver is told by the cause', new Error('wrapped', { cause: coded('ECONNREFUSED') }), 'unreachable'],
    ['of the system is told by its code', coded('EADDRINUSE'), 'port in use'],
    ['of the command line is told by its prefix', coded('commander.unknownOption'), 'command line invalid'],
    ['of no known code is unexpected', coded('XX000'), 'unexpected'],
    ['that is no error is unexpected', 'jane', 'unexpected'],
    ['that is missing is unexpected', undefined, 'unexpected'],
  ] as const)('%s', (_, error, kind) => {
    expect(kindOf(error)).toBe(kind)
  })

  test('is never told by its text', () => {
    expect(kindOf(new DatabaseError('replication slot is active', 0, 'error'))).toBe('unexpected')
  })
})

describe('what may be shown of an error', () => {
  test('is itself if it is ours, whatever caused it', () => {
    const error = new ConnectorError('transform unusable', 'why', { cause: new Error('jane') })
    expect(unwrapped(error)).toBe(error)
  })

  test('is the innermost cause of a wrapper', () => {
    const cause = coded(sqlstate.adminShutdown)
    expect(unwrapped(new Error('outer', { cause: new Error('inner', { cause }) }))).toBe(cause)
  })

  test('is found in a circle of causes too', () => {
    const error = new Error('outer')
    error.cause = new Error('inner', { cause: error })
    expect(unwrapped(error)).toBeInstanceOf(Error)
  })
})
