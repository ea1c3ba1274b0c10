import { expect, test } from 'vitest'
import type { Columns } from '../../../src/decode/described-relation.ts'
import { PgoutputDecoder } from '../../../src/decode/pgoutput.ts'
import { publish } from '../../support/postgres/library-stream.ts'
import { testDatabase } from '../../support/postgres.ts'
import { openStream } from './open-stream.ts'

const mib = 1024 ** 2
const table = `
  create table patients (id int primary key, code text not null, scan bytea);
  alter table patients replica identity full`
const scan = (mibs: number, byte: string) => `decode(repeat('${byte}', ${mibs * mib}), 'hex')`

test.each<{ readonly name: string; readonly decoded: Columns }>([
  { name: 'not decoded', decoded: new Set(['id', 'code']) },
  { name: 'decoded', decoded: 'all' },
])(
  'an update of 20 MiB under the full replica identity has the old and the new row: $name',
  async ({ decoded }) => {
    await using database = await testDatabase({ schema: table })
    await database.query(`insert into patients values (1, 'jane', ${scan(20, 'ab')})`)
    await publish(database)
    await using stream = await openStream(database, { decoder: new PgoutputDecoder(decoded) })
    await database.query(
      `update patients set code = 'janet', scan = ${scan(20, 'cd')}; insert into patients values (2, 'joe')`,
    )

    const change = await stream.whenChange(({ operation }) => operation === 'update')
    if (change.operation !== 'update' || !change.old) throw new Error('not an update with an old row')
    expect([change.old.get('id'), change.old.get('code')]).toEqual(['1', 'jane'])
    expect([change.row.get('id'), change.row.get('code')]).toEqual(['1', 'janet'])
    const scans = [change.old, change.row].map((row) => row.get('scan'))
    const texts = ['ab', 'cd'].map((byte) => `\\x${byte.repeat(20 * mib)}`)
    // Not `toEqual`, which would print the values.
    expect(scans.every((value, at) => value === (decoded === 'all' ? texts[at] : undefined))).toBe(true)
    const bytes = stream.of('change').find((event) => event.change === change)?.bytes
    expect(bytes).toBeLessThan(decoded === 'all' ? 81 * mib : 1024)
    // The next message is read from its start.
    await stream.whenChange((next) => next.operation === 'insert' && next.row.get('code') === 'joe')
  },
  120_000,
)
