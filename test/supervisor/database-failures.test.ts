import { DatabaseError } from 'pg'
import { expect, test } from 'vitest'
import { DatabaseFailures, noLastingFailures } from '../../src/supervisor/database-failures.ts'

function scene() {
  let nowMs = 0
  const failures = new DatabaseFailures(() => nowMs)
  const pass = (ms: number) => {
    nowMs += ms
  }
  return { failures, pass }
}
function refused(code: string): DatabaseError {
  const error = new DatabaseError('refused', 7, 'error')
  error.code = code
  return error
}

test.each(['28P01', '28000', '3D000', '42501'])(
  'a refusal with SQLSTATE %s lasts immediately, until a success',
  (code) => {
    const { failures } = scene()
    failures.failed('record', refused(code))
    expect(failures.lasting).toEqual({ writes: expect.stringContaining('the state'), reads: null })
    failures.succeeded('load records')
    expect(failures.lasting.writes).not.toBeNull()
    failures.succeeded('record')
    expect(failures.lasting).toEqual(noLastingFailures)
  },
)

test('a refusal is recognised in the wrapper of a query of the state', () => {
  const { failures } = scene()
  const wrapper = Object.assign(new Error('Failed query', { cause: refused('42501') }), { query: 'select', params: [] })
  failures.failed('record', wrapper)
  expect(failures.lasting.writes).toContain('the state denies a right')
})

test('any other failure lasts after a minute of failed attempts', () => {
  const { failures, pass } = scene()
  failures.failed('read rows', new Error('query timeout'))
  pass(59_999)
  failures.failed('read rows', new Error('query timeout'))
  expect(failures.lasting).toEqual(noLastingFailures)
  pass(1)
  expect(failures.lasting).toEqual({ writes: null, reads: 'the source: query timeout' })
})

test('a success in between begins the minute again', () => {
  const { failures, pass } = scene()
  failures.failed('read rows', new Error('query timeout'))
  pass(50_000)
  failures.succeeded('read rows')
  failures.failed('read rows', new Error('query timeout'))
  pass(50_000)
  expect(failures.lasting).toEqual(noLastingFailures)
})

test('a refusal that is not repeated for a minute is over: the row that needed the read is gone', () => {
  const { failures, pass } = scene()
  failures.failed('read rows', refused('42501'))
  pass(60_000)
  expect(failures.lasting.reads).not.toBeNull()
  pass(1)
  expect(failures.lasting).toEqual(noLastingFailures)
})

test('failures of requests to the API are no failures of a database', () => {
  const { failures } = scene()
  failures.failed('send', refused('28P01'))
  expect(failures.lasting).toEqual(noLastingFailures)
})

test('a read in progress is noted as it ends, and its failure is thrown', async () => {
  const { failures } = scene()
  const reading = failures.note('look at slot', () => Promise.reject(refused('28P01')))
  await expect(reading).rejects.toThrow('refused')
  expect(failures.lasting.reads).toContain('the source refuses the user or password')
  expect(await failures.note('look at slot', async () => 7)).toBe(7)
  expect(failures.lasting).toEqual(noLastingFailures)
})
