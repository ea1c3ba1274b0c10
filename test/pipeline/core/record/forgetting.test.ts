import { describe, expect, test } from 'vitest'
import { xid } from '../../../../src/model/source/visibility.ts'
import { key, upsert } from '../../../pending/rows.ts'
import { everything, scripted } from '../scripted.ts'

const automatic = everything.filter((kind) => kind !== 'forget removed rows')
const hourMs = 3_600_000

describe('records of rows that are gone', () => {
  test('are forgotten up to what every snapshot sees, in portions, and again an hour later', () => {
    const script = scripted({ automatic })
    expect(script.asked('forget removed rows')).toEqual([])
    script.tell({ kind: 'xid seen', xid: xid(900n), xmin: xid(800n) })
    const first = script.next('forget removed rows')
    expect(first).toMatchObject({ beforeXid: 800n, after: null, limit: 1_000 })
    script.tell({ kind: 'removed rows forgotten', ticket: first.ticket, last: key('m') })
    expect(script.next('forget removed rows')).toMatchObject({ after: key('m') })
    script.answer('forget removed rows')
    script.pass(hourMs - 1)
    expect(script.asked('forget removed rows')).toEqual([])
    script.pass(1)
    expect(script.asked('forget removed rows')).toHaveLength(1)
  })

  test('are kept while a read is open that may be older than the snapshot', () => {
    const script = scripted({ automatic: automatic.filter((kind) => kind !== 'read rows') })
    script.commits(['a', { kind: 'incomplete', code: null }])
    script.table.set(key('a'), { content: upsert('a'), bytes: 1_000 })
    script.tell({ kind: 'xid seen', xid: xid(9_000n), xmin: xid(9_000n) })
    expect(script.asked('forget removed rows')).toEqual([])
    script.answer('read rows')
    expect(script.next('forget removed rows').beforeXid).toBeLessThan(9_000n)
  })

  test('are kept on a standby, whose snapshots do not tell what they contain', () => {
    const script = scripted({ automatic, readsFollowStream: true })
    script.tell({ kind: 'xid seen', xid: xid(900n), xmin: xid(800n) })
    expect(script.asked('forget removed rows')).toEqual([])
  })

  test('are forgotten later if the store does not answer', () => {
    const script = scripted({ automatic })
    script.tell({ kind: 'xid seen', xid: xid(900n), xmin: xid(800n) })
    script.fail('forget removed rows')
    expect(script.asked('forget removed rows')).toEqual([])
    script.pass(1_000)
    expect(script.asked('forget removed rows')).toHaveLength(1)
  })
})
