import { describe, expect, test } from 'vitest'
import { compileMapping } from '../../src/mapping/compile.ts'
import { lsn } from '../../src/model/source/lsn.ts'
import { type Row, type RowKey, rowKey } from '../../src/model/source/row.ts'
import { type SendableRow, type Standing, type VerifyRowsOptions, verifyRows } from '../../src/verify/verify-rows.ts'
import { columns, requiredAttributes, rowOf, wholeMapping } from '../mapping/sources.ts'

const mapping = compileMapping(wholeMapping, { columns, requiredAttributes })
const row = (id: string, given = 'Ana'): Row => rowOf({ id, given })
const keyOf = (values: Row): RowKey => rowKey(values, ['id'])
const patientOf = (values: Row) => {
  const mapped = mapping.map(values)
  if (mapped.kind !== 'patient') throw new Error('no patient')
  return { ...mapped.patient, unsubscribed_at: '2000-01-01' }
}

interface Scene {
  readonly table?: Map<RowKey, Row>
  readonly api?: Map<string, ReturnType<typeof patientOf>>
  readonly standing?: (row: SendableRow) => Standing
  /** Events during each wait. */
  readonly during?: readonly (() => void)[]
}

/** Verifies a row of the table. @returns the verdicts, and the steps in order. */
async function verify(found: Row, { table, api, standing = () => 'accepted', during = [] }: Scene) {
  const rows = table ?? new Map([[keyOf(found), found]])
  const steps: string[] = []
  let waits = 0
  const options: VerifyRowsOptions = {
    table: {
      map: (values) => mapping.map(values),
      readAgain: async (keys) => {
        steps.push('read')
        return { rows: new Map([...rows].filter(([key]) => keys.includes(key))), endLsn: lsn(2n) }
      },
    },
    api: {
      get: async (code) => {
        steps.push('get')
        return api?.get(code) ?? null
      },
      getsAtOnce: 2,
    },
    standingOf: async (asked) => {
      steps.push('ask the state')
      return new Map(asked.map((one) => [one.key, standing(one)]))
    },
    applyDelaysMs: [1, 2],
    wait: async (ms) => {
      steps.push(`wait ${ms}`)
      during[waits++]?.()
    },
  }
  const verdicts = await verifyRows({ rows: new Map([[keyOf(found), found]]), endLsn: lsn(1n) }, options)
  return { verdicts, steps }
}

const ana = row('7')
const eva = row('7', 'Eva')
const drifted = new Map([['7', patientOf(eva)]])

describe('a row of which mediQuo has another patient', () => {
  test('is different only after every delay, and the checkpoint store is read before the last', async () => {
    const { verdicts, steps } = await verify(ana, { api: drifted })
    expect(verdicts).toEqual([{ kind: 'different', code: '7', attributes: ['first_name'] }])
    expect(steps).toEqual(['get', 'read', 'wait 1', 'get', 'read', 'ask the state', 'wait 2', 'get', 'read'])
  })

  test('is missing if the API does not know the code', async () => {
    const { verdicts } = await verify(ana, { api: new Map() })
    expect(verdicts).toEqual([{ kind: 'missing', code: '7' }])
  })

  test('is the same once the API has applied what it had accepted', async () => {
    const api = new Map(drifted)
    const { verdicts } = await verify(ana, { api, during: [() => {}, () => api.set('7', patientOf(ana))] })
    expect(verdicts).toEqual([{ kind: 'same', code: '7' }])
  })

  test('is the same once the row is read again, if it was changed and delivered in the meantime', async () => {
    const { verdicts, steps } = await verify(ana, { api: drifted, table: new Map([[keyOf(ana), eva]]) })
    expect(verdicts).toEqual([{ kind: 'same', code: '7' }])
    expect(steps).toEqual(['get', 'read', 'wait 1', 'get'])
  })

  test.each([
    ['awaited', { kind: 'pending', code: '7', attributes: ['first_name'] }],
    ['settled', { kind: 'different', code: '7', attributes: ['first_name'] }],
    ['rejected', { kind: 'not sendable', key: '["7"]', code: '7', attributes: ['first_name'] }],
  ] as const)('and is %s', async (standing, verdict) => {
    expect((await verify(ana, { api: drifted, standing: () => standing })).verdicts).toEqual([verdict])
  })

  test('is pending if it changes during the last delay', async () => {
    const table = new Map([[keyOf(ana), ana]])
    const change = () => void table.set(keyOf(ana), row('7', 'Ida'))
    const { verdicts } = await verify(ana, { api: drifted, table, during: [() => {}, change] })
    expect(verdicts).toEqual([{ kind: 'pending', code: '7', attributes: ['first_name'] }])
  })

  test('is not compared if it is gone by then', async () => {
    const table = new Map([[keyOf(ana), ana]])
    const remove = () => void table.clear()
    const { verdicts } = await verify(ana, { api: drifted, table, during: [() => {}, remove] })
    expect(verdicts).toEqual([{ kind: 'not compared', code: null }])
  })
})

test('a row without a valid patient is not sendable, and costs no request', async () => {
  const { verdicts, steps } = await verify(rowOf({ id: '7', sex: 'x' }), {})
  expect(verdicts).toEqual([{ kind: 'not sendable', key: '["7"]', code: '7', attributes: ['gender'] }])
  expect(steps).toEqual([])
})
