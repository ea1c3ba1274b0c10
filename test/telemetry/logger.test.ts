import { expect, test } from 'vitest'
import { ConnectorError } from '../../src/model/failure/connector-error.ts'
import { describeError } from '../../src/telemetry/logger.ts'

test('an error of PostgreSQL is logged without the row values that it quotes', () => {
  const quoting = Object.assign(new Error('duplicate key value violates unique constraint "patients_pkey"'), {
    code: '23505',
    detail: 'Key (code)=(jane) already exists.',
    where: 'COPY patients, line 1: "jane"',
    hint: 'jane',
  })
  const expected = { code: '23505', message: 'duplicate key value violates unique constraint "patients_pkey"' }
  expect(describeError(quoting)).toEqual({ name: 'Error', ...expected })
  // drizzle wraps the error: its own message has the query’s parameters.
  const wrapped = new Error('Failed query: insert … params: jane', { cause: quoting })
  expect(describeError(wrapped)).toEqual({ name: 'Error', ...expected })
})

test('a thrown value that is not an error is logged without its content', () => {
  expect(describeError('jane')).toEqual({ message: 'not an error' })
})

test('an error of ours is logged with the code of its kind and its own message', () => {
  const error = new ConnectorError('transform unusable', 'the module cannot be loaded', { cause: new Error('jane') })
  expect(describeError(error)).toEqual({
    name: 'ConnectorError',
    code: 'transform_unusable',
    message: 'the module cannot be loaded',
  })
})
