import { describe, expect, test } from 'vitest'
import { replicationFix, settingFix, walLevelFix } from '../../../src/source/managed-service.ts'
import { columnsNamedIn } from '../../../src/source/requirements/filter-columns.ts'

describe('the columns that a row filter reads', () => {
  const columns = ['plan', 'Plan', 'active', 'año', 'a"b', 'lower']

  test.each([
    [`plan = 'active'`, ['plan']],
    [`PLAN IS NOT NULL AND "Plan" > 1`, ['plan', 'Plan']],
    [`(active) = true or año::int > 3`, ['active', 'año']],
    [`"a""b" is null`, ['a"b']],
    [`plan <> 'it''s "active"'`, ['plan']],
    // One column too many is acceptable.
    [`lower(plan) = 'x'`, ['plan', 'lower']],
    [`true`, []],
  ])('%s', (filter, named) => {
    expect(columnsNamedIn(filter, columns)).toEqual(named)
  })
})

describe('the fix for a managed service', () => {
  test('uses only what users of the service may do', () => {
    expect(replicationFix('Amazon RDS', '"cdc"')).toBe('GRANT rds_replication TO "cdc";')
    expect(replicationFix('Cloud SQL', '"cdc"')).toBe('ALTER ROLE "cdc" REPLICATION;')
    const levels = (['Amazon RDS', 'Cloud SQL', 'Azure', 'Neon'] as const).map(walLevelFix)
    expect(levels.filter((fix) => fix.includes('ALTER SYSTEM'))).toEqual([])
    expect(settingFix('Azure', 'wal_sender_timeout', '60s')).toBe(
      'set wal_sender_timeout to 60s in the settings of Azure',
    )
  })
})
