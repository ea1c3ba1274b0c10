import { describe, expect, test } from 'vitest'
import type { PatientAnswer } from '../../src/mediquo/client.ts'
import type { Patient } from '../../src/model/patient/patient.ts'
import { fetchCode } from '../../src/pipeline/code-fetch.ts'
import { code } from '../pending/rows.ts'

const never = new AbortController().signal
const jane = { first_name: 'Jane', plan: 'premium', unsubscribed_at: null }
const expected: Patient = { code: code('P1'), first_name: 'Jane', plan: 'premium' }

/** Fetches the code `P1` with this answer, while rows have these codes. */
async function fetched(answer: PatientAnswer, { rows = [] as string[], compares = false } = {}) {
  const paused: number[] = []
  const asked: string[] = []
  const found = await fetchCode(
    {
      client: { get: async () => ({ outcome: answer, remaining: 7 }) },
      quota: { pause: (ms) => paused.push(ms) },
      permit: { answered: () => undefined },
      isCodeOfRow: async (of) => {
        asked.push(of)
        return rows.includes(of)
      },
    },
    { code: code('P1'), expected: compares ? expected : null },
    never,
  )
  return { found, paused, asked }
}

const patient = (of: unknown): PatientAnswer => ({ kind: 'patient', attributes: { ...jane, code: of } })
const record = { code: 'P1', first_name: 'Jane' }

describe('a patient that is read back to be unsubscribed', () => {
  test.each([['P1'], ['p1'], [' P1 ']])('is sent under the code as we have it, though the API has %j', async (of) => {
    expect((await fetched(patient(of))).found).toEqual({ kind: 'patient', isAsExpected: false, record })
  })

  test('is left alone if the form in which the API has its code is the code of a row', async () => {
    const { found, asked } = await fetched(patient('p1'), { rows: ['p1'] })
    expect([found, asked]).toEqual([{ kind: 'patient', isAsExpected: false, record: null }, ['p1']])
  })

  test('is no row’s for that reason if the API has the code as it was sent', async () => {
    const { found, asked } = await fetched(patient('P1'), { rows: ['P1'] })
    expect([found, asked]).toEqual([{ kind: 'patient', isAsExpected: false, record }, []])
  })
})

test.each(['P1', 'p1'])('a patient that was accepted is as expected, though the API has its code as %j', async (of) => {
  const { found, asked } = await fetched(patient(of), { compares: true, rows: ['p1'] })
  expect([found, asked]).toEqual([{ kind: 'patient', isAsExpected: true, record }, []])
})

test('an answer that refuses reads is told from one that says nothing', async () => {
  const retry = { kind: 'retry', reason: 'timeout', inDoubt: false, status: null } as const
  const halt = { kind: 'halt', reason: 'permission denied', status: 403 } as const
  const notNow = async (outcome: Extract<PatientAnswer, { kind: 'not now' }>['outcome']) =>
    await fetched({ kind: 'not now', outcome })
  expect((await notNow(retry)).found).toEqual({ kind: 'not now', isRefused: false })
  expect((await notNow(halt)).found).toEqual({ kind: 'not now', isRefused: true })
  expect(await notNow({ kind: 'pause', ms: 9 })).toMatchObject({
    found: { kind: 'not now', isRefused: false },
    paused: [9],
  })
  expect((await fetched({ kind: 'absent' })).found).toEqual({ kind: 'absent' })
})
