import { describe, expect, test } from 'vitest'
import type { EntryView } from '../../../src/pending/entry/entry.ts'
import { nextStep, type StepPolicy } from '../../../src/pending/entry/next-step.ts'
import type { Content } from '../../../src/pending/entry/version.ts'
import { code, delivered, entryView, fingerprint, incomplete, patient, removed, upsert, version } from '../rows.ts'

const unsubscribe: StepPolicy = { onDelete: 'unsubscribe', fingerprint }
const ignore: StepPolicy = { onDelete: 'ignore', fingerprint }

const entry = (content: Content, changes: Partial<EntryView> = {}): EntryView =>
  entryView('1', { stored: null, waiting: version(content), ...changes })
const stored = delivered('1', patient('a'))
const gone = { ...stored, fingerprint: null, removed: true }

describe('before any decision', () => {
  test('the row record is loaded', () => {
    expect(nextStep(entry(upsert('a'), { stored: undefined }), ignore)).toEqual({ kind: 'look up' })
  })
  test('a row with a missing value is read', () => {
    expect(nextStep(entry(incomplete()), ignore)).toEqual({ kind: 'read' })
  })
})

describe('a row that cannot become a patient', () => {
  const invalid: Content = { kind: 'invalid', code: code('c'), invalid: [] }
  test('is rejected with the code that it has at the API, once its other codes are unsubscribed', () => {
    expect(nextStep(entry(invalid, { stored }), unsubscribe)).toMatchObject({ outcome: 'dead letter' })
    const others = { stored, formerCodes: [code('a'), code('b')] }
    expect(nextStep(entry(invalid, others), unsubscribe)).toMatchObject({ kind: 'resolve removal', code: 'b' })
    expect(nextStep(entry(invalid, { formerCodes: [code('b')] }), ignore)).toMatchObject({ outcome: 'dead letter' })
  })
})

describe('a patient', () => {
  test('is settled if the API has it, and sent if it is in doubt, has another code or no fingerprint', () => {
    expect(nextStep(entry(upsert('a'), { stored }), ignore)).toMatchObject({ outcome: 'unchanged' })
    expect(nextStep(entry(upsert('a'), { stored, inDoubt: true }), ignore)).toMatchObject({ purpose: 'upsert' })
    expect(nextStep(entry(upsert('b'), { stored }), ignore)).toMatchObject({ purpose: 'upsert', code: 'b' })
    expect(nextStep(entry(upsert('a'), { stored: { ...stored, fingerprint: null } }), ignore)).toMatchObject({
      purpose: 'upsert',
    })
  })
  test('with another code than the API has unsubscribes that code first', () => {
    const step = nextStep(entry(upsert('b'), { stored }), unsubscribe)
    expect(step).toEqual({ kind: 'resolve removal', code: 'a', patient: null })
    const removal = { kind: 'send', code: code('a'), patient: patient('a') } as const
    const unsubscription = nextStep(entry(upsert('b'), { stored, removal }), unsubscribe)
    expect(unsubscription).toMatchObject({ kind: 'send', purpose: 'unsubscribe code', code: 'a' })
    expect(unsubscription).not.toHaveProperty('patient.plan')
    const nobody = nextStep(entry(upsert('b'), { stored, removal: { kind: 'ended', code: code('a') } }), unsubscribe)
    expect(nobody).toEqual({ kind: 'forget old code', code: 'a', isLeft: false })
  })
  test('whose former code is unsubscribed already is sent', () => {
    expect(nextStep(entry(upsert('b'), { stored: gone }), unsubscribe)).toMatchObject({ purpose: 'upsert', code: 'b' })
  })
})

describe('a removed row', () => {
  test('is ignored if deletes are ignored', () => {
    expect(nextStep(entry(removed('a'), { stored }), ignore)).toMatchObject({ outcome: 'ignored' })
  })
  test('needs no request only if a removal was accepted and is not in doubt', () => {
    expect(nextStep(entry(removed(), { stored: gone }), unsubscribe)).toMatchObject({ outcome: 'unchanged' })
    expect(nextStep(entry(removed(), { stored: gone, inDoubt: true }), unsubscribe)).toMatchObject({ code: 'a' })
    expect(nextStep(entry(removed('b'), { stored: gone }), unsubscribe)).toMatchObject({ code: 'b' })
    expect(nextStep(entry(removed('a')), unsubscribe)).toMatchObject({ kind: 'resolve removal', code: 'a' })
  })
  test('is settled without a request if no code is known', () => {
    expect(nextStep(entry(removed()), unsubscribe)).toMatchObject({ outcome: 'nothing to remove' })
  })
  test('unsubscribes its former codes too', () => {
    const formerCodes = [code('b')]
    expect(nextStep(entry(removed('a'), { stored, formerCodes }), unsubscribe)).toMatchObject({ code: 'b' })
    expect(nextStep(entry(removed(), { formerCodes }), unsubscribe)).toMatchObject({ code: 'b' })
    const owed = { reason: 'content', nextCode: code('c'), delayMs: 0 } as const
    const left = { ...stored, code: null, removed: true, fingerprint: null, owed }
    expect(nextStep(entry(removed(), { stored: left }), unsubscribe)).toMatchObject({ code: 'c' })
  })
})

test('an invalid row is rejected', () => {
  const content: Content = { kind: 'invalid', code: null, invalid: [] }
  expect(nextStep(entry(content, { stored }), ignore)).toEqual({ kind: 'settle', outcome: 'dead letter' })
})

describe('unsubscribing a code', () => {
  test('starts with the patient of the change if the patient has that code', () => {
    const full: Content = { kind: 'removed', code: code('a'), patient: patient('a') }
    expect(nextStep(entry(full), unsubscribe)).toEqual({ kind: 'resolve removal', code: 'a', patient: patient('a') })
    const keyOnly = nextStep(entry(removed(), { stored }), unsubscribe)
    expect(keyOnly).toEqual({ kind: 'resolve removal', code: 'a', patient: null })
    const former = nextStep(entry(full, { formerCodes: [code('b')] }), unsubscribe)
    expect(former).toEqual({ kind: 'resolve removal', code: 'b', patient: null })
  })

  test('needs no request if another row has the code, or the code is unsubscribed already', () => {
    const over = (kind: 'left' | 'ended', content: Content) =>
      nextStep(entry(content, { stored, removal: { kind, code: code('a') } }), unsubscribe)
    expect(over('left', upsert('b'))).toEqual({ kind: 'forget old code', code: 'a', isLeft: true })
    expect(over('ended', upsert('b'))).toEqual({ kind: 'forget old code', code: 'a', isLeft: false })
    expect(over('left', removed())).toEqual({ kind: 'settle', outcome: 'nothing to remove' })
    expect(over('ended', removed())).toEqual({ kind: 'settle', outcome: 'nothing to remove' })
  })

  test('does not start for a row without a waiting version', () => {
    expect(() => nextStep(entryView('1', { stored }), unsubscribe)).toThrow(/without a waiting version/)
  })
})
