import { describe, expect, test } from 'vitest'
import { lsn } from '../../../src/model/source/lsn.ts'
import { xid } from '../../../src/model/source/visibility.ts'
import {
  describeIdentityChange,
  type FoundIdentity,
  type IdentityVerdict,
  identityChanges,
  judgeIdentity,
  type StoredIdentity,
  verdictKinds,
} from '../../../src/source/identity/source-identity.ts'
import { parseTimelineHistory } from '../../../src/source/identity/timeline-history.ts'
import { type SlotHealth, slotLosses, slotTroubleOf } from '../../../src/source/slot/slot-health.ts'

const stored: StoredIdentity = {
  systemIdentifier: '7',
  timeline: 2,
  publication: 'ours',
  databaseOid: '5',
  lsn: lsn(200n),
}
const same: FoundIdentity = {
  systemIdentifier: '7',
  timeline: 2,
  databaseOid: '5',
  currentLsn: lsn(900n),
  history: [],
  slot: { kind: 'present', confirmedFlushLsn: lsn(200n) },
  publication: 'there',
  wantedPublication: 'ours',
  storeSharesWal: false,
}
/** Identity of a standby that was promoted at 500, after everything that was delivered. */
const promoted: FoundIdentity = {
  ...same,
  timeline: 4,
  history: [
    { timeline: 1, switchLsn: lsn(50n) },
    { timeline: 2, switchLsn: lsn(500n) },
    { timeline: 3, switchLsn: lsn(600n) },
  ],
}
const absent = { kind: 'absent' } as const
const lost = { kind: 'lost' } as const
const unready = { kind: 'unready' } as const
const ahead = { kind: 'present', confirmedFlushLsn: lsn(201n) } as const
const behind = { kind: 'present', confirmedFlushLsn: lsn(10n) } as const
const at = (switchLsn: bigint) => [{ timeline: 2, switchLsn: lsn(switchLsn) }]

const cases: readonly {
  readonly found: string
  readonly identity: FoundIdentity
  readonly verdict: IdentityVerdict
}[] = [
  { found: 'the slot at the checkpoint', identity: same, verdict: { kind: 'go on' } },
  { found: 'the slot behind the checkpoint', identity: { ...same, slot: behind }, verdict: { kind: 'go on' } },
  {
    found: 'WAL that ends at the checkpoint',
    identity: { ...same, currentLsn: lsn(200n) },
    verdict: { kind: 'go on' },
  },
  { found: 'a slot that is being made', identity: { ...same, slot: unready }, verdict: { kind: 'not ready' } },
  { found: 'no slot', identity: { ...same, slot: absent }, verdict: { kind: 'slot lost', loss: 'gone' } },
  {
    found: 'a slot without WAL',
    identity: { ...same, slot: lost },
    verdict: { kind: 'slot lost', loss: 'invalidated' },
  },
  {
    found: 'a slot past the checkpoint',
    identity: { ...same, slot: ahead },
    verdict: { kind: 'slot lost', loss: 'ahead' },
  },
  {
    found: 'no publication',
    identity: { ...same, publication: 'absent' },
    verdict: { kind: 'slot lost', loss: 'publication dropped' },
  },
  {
    found: 'a publication that was recreated, and a slot past the checkpoint',
    identity: { ...same, publication: 'replaced', slot: ahead },
    verdict: { kind: 'slot lost', loss: 'publication dropped' },
  },
  {
    found: 'WAL that ends before the checkpoint',
    identity: { ...same, currentLsn: lsn(199n), slot: behind },
    verdict: { kind: 'identity changed', change: 'behind the checkpoint' },
  },
  {
    found: 'WAL that ends before the checkpoint, and no slot',
    identity: { ...same, currentLsn: lsn(199n), slot: absent },
    verdict: { kind: 'identity changed', change: 'behind the checkpoint' },
  },
  {
    found: 'another system identifier, all else alike',
    identity: { ...same, systemIdentifier: '8' },
    verdict: { kind: 'identity changed', change: 'another server' },
  },
  {
    found: 'another OID of the database, all else alike',
    identity: { ...same, databaseOid: '6' },
    verdict: { kind: 'identity changed', change: 'another database' },
  },
  {
    found: 'another OID of the database on a promoted standby, without a slot',
    identity: { ...promoted, databaseOid: '6', slot: absent },
    verdict: { kind: 'identity changed', change: 'another database' },
  },
  {
    found: 'another publication in the settings',
    identity: { ...same, wantedPublication: 'another', slot: absent },
    verdict: { kind: 'identity changed', change: 'another publication' },
  },
  {
    found: 'a promoted standby with the slot',
    identity: promoted,
    verdict: { kind: 'failover', switchLsn: lsn(500n), slotLsn: lsn(200n) },
  },
  {
    found: 'a promoted standby with the slot behind',
    identity: { ...promoted, slot: behind },
    verdict: { kind: 'failover', switchLsn: lsn(500n), slotLsn: lsn(10n) },
  },
  {
    found: 'a standby promoted right at the checkpoint',
    identity: { ...promoted, history: at(200n) },
    verdict: { kind: 'failover', switchLsn: lsn(200n), slotLsn: lsn(200n) },
  },
  {
    found: 'a standby promoted before the checkpoint, with the slot as it was then',
    identity: { ...promoted, slot: behind, history: at(199n) },
    verdict: { kind: 'identity changed', change: 'past the switch' },
  },
  {
    found: 'a standby that streamed through its promotion: its slot is confirmed past the switch',
    identity: { ...promoted, history: at(199n) },
    verdict: { kind: 'failover', switchLsn: lsn(199n), slotLsn: lsn(200n) },
  },
  {
    found: 'a standby promoted before the checkpoint, with the checkpoint store on it',
    identity: { ...promoted, slot: behind, history: at(199n), storeSharesWal: true },
    verdict: { kind: 'failover', switchLsn: lsn(199n), slotLsn: lsn(10n) },
  },
  {
    found: 'a promoted standby with the checkpoint store on it, which lacks what was acknowledged to the slot',
    identity: { ...promoted, slot: ahead, storeSharesWal: true },
    verdict: { kind: 'failover', switchLsn: lsn(500n), slotLsn: lsn(201n) },
  },
  {
    found: 'a promoted standby with the checkpoint store on it, and a slot that was made after the promotion',
    identity: { ...promoted, slot: { kind: 'present', confirmedFlushLsn: lsn(501n) }, storeSharesWal: true },
    verdict: { kind: 'identity changed', change: 'timeline without the slot' },
  },
  {
    found: 'a promoted standby on which the slot is being made',
    identity: { ...promoted, slot: unready },
    verdict: { kind: 'not ready' },
  },
  ...[absent, lost, ahead].map((slot) => ({
    found: `a promoted standby whose slot is ${slot.kind === 'present' ? 'past the checkpoint' : slot.kind}`,
    identity: { ...promoted, slot },
    verdict: { kind: 'identity changed', change: 'timeline without the slot' } as const,
  })),
  {
    found: 'a timeline that does not descend from ours',
    identity: { ...promoted, history: [{ timeline: 1, switchLsn: lsn(900n) }] },
    verdict: { kind: 'identity changed', change: 'another history' },
  },
  {
    found: 'an earlier timeline',
    identity: { ...same, timeline: 1 },
    verdict: { kind: 'identity changed', change: 'another history' },
  },
]

describe('the reconciliation of the source identity', () => {
  test('takes a database as it is if the checkpoint is of a version that did not store its OID', () => {
    expect(judgeIdentity({ ...stored, databaseOid: null }, same)).toEqual({ kind: 'go on' })
  })

  test.each(cases)('$found', ({ identity, verdict }) => {
    expect(judgeIdentity(stored, identity)).toEqual(verdict)
  })

  test('every verdict, every loss and every change is among the cases', () => {
    const verdicts = cases.map(({ verdict }) => verdict)
    expect(new Set(verdicts.map(({ kind }) => kind))).toEqual(new Set(verdictKinds))
    expect(new Set(verdicts.flatMap((verdict) => ('loss' in verdict ? verdict.loss : [])))).toEqual(new Set(slotLosses))
    const changes = verdicts.flatMap((verdict) => ('change' in verdict ? verdict.change : []))
    expect(new Set(changes)).toEqual(new Set(identityChanges))
  })

  test('a change is reported with the differing values', () => {
    const other = {
      ...same,
      systemIdentifier: '8',
      timeline: 4,
      databaseOid: '6',
      currentLsn: lsn(0x1_0000_00ffn),
    }
    expect(describeIdentityChange('another database', stored, other)).toContain('is 6, the state belongs to 5')
    expect(describeIdentityChange('another server', stored, other)).toContain('identifier is 8, the state belongs to 7')
    expect(describeIdentityChange('timeline without the slot', stored, other)).toMatch(/timeline 4, the state on 2/)
    expect(describeIdentityChange('behind the checkpoint', stored, other)).toMatch(/ends at 1\/FF, before 0\/C8/)
  })
})

describe('a timeline history', () => {
  test('is read as the server writes it', () => {
    const text = '1\t0/1751E08\tno recovery target specified\n\n2\t16/B374D848\tbefore 2026-01-01 00:00:00+00\n'
    expect(parseTimelineHistory(text)).toEqual([
      { timeline: 1, switchLsn: 0x1751e08n },
      { timeline: 2, switchLsn: 0x16_b374d848n },
    ])
  })

  test('has no entries in comments, and none for a first timeline', () => {
    expect(parseTimelineHistory('# made by hand\n')).toEqual([])
    expect(parseTimelineHistory('')).toEqual([])
  })
})

describe('a slot in use', () => {
  const health: SlotHealth = {
    systemIdentifier: '7',
    timeline: 2,
    databaseOid: '5',
    isStandby: false,
    currentLsn: lsn(900n),
    snapshotXmin: xid(800n),
    snapshotXmax: xid(800n),
    lagBytes: 0,
    retainedBytes: 0,
    walStatus: 'reserved',
    confirmedFlushLsn: lsn(200n),
    publicationOid: '17',
    safeBytes: null,
    idle: null,
    isActive: true,
  }
  const use = {
    systemIdentifier: '7',
    timeline: 2,
    databaseOid: '5',
    isStandby: false,
    publicationOid: '17',
    writtenLsn: lsn(200n),
    durableLsn: lsn(200n),
  }
  const troubles: readonly {
    readonly it: string
    readonly changes: Partial<SlotHealth>
    readonly trouble: ReturnType<typeof slotTroubleOf>
  }[] = [
    { it: 'confirmed up to what is stored', changes: {}, trouble: null },
    { it: 'that keeps more than it should', changes: { walStatus: 'unreserved' }, trouble: null },
    { it: 'that is being made', changes: { confirmedFlushLsn: null }, trouble: null },
    { it: 'that is gone', changes: { walStatus: 'missing', publicationOid: null }, trouble: 'gone' },
    { it: 'without its WAL', changes: { walStatus: 'lost' }, trouble: 'invalidated' },
    { it: 'without its publication', changes: { publicationOid: null }, trouble: 'publication dropped' },
    { it: 'whose publication was recreated', changes: { publicationOid: '18' }, trouble: 'publication dropped' },
    { it: 'past what is stored', changes: { confirmedFlushLsn: lsn(201n) }, trouble: 'ahead' },
    { it: 'of a server whose files were put back', changes: { currentLsn: lsn(199n) }, trouble: 'moved' },
    { it: 'of another server', changes: { systemIdentifier: '8', walStatus: 'missing' }, trouble: 'moved' },
    { it: 'of another database', changes: { databaseOid: '6' }, trouble: 'moved' },
    { it: 'of a promoted standby', changes: { timeline: 3, walStatus: 'missing' }, trouble: 'moved' },
    { it: 'of a server that became a standby', changes: { isStandby: true, walStatus: 'lost' }, trouble: 'moved' },
  ]

  test.each(troubles)('$it: $trouble', ({ changes, trouble }) => {
    expect(slotTroubleOf({ ...health, ...changes }, use)).toBe(trouble)
  })

  test('that another instance moves is in order', () => {
    expect(slotTroubleOf({ ...health, confirmedFlushLsn: lsn(300n) }, { ...use, durableLsn: null })).toBeNull()
  })
})
