import { setTimeout as delay } from 'node:timers/promises'
import { type Client, DatabaseError } from 'pg'
import { seededRandom } from '../../../src/model/seeded-random.ts'
import { newClient } from '../postgres/connections.ts'

/** Concurrent writers that change the table of patients until they are stopped. */
export interface Workload {
  /** Number of committed transactions of each kind. */
  readonly committed: Readonly<Record<string, number>>
  /** Resolves once all transactions are done. @throws the error of a writer. */
  readonly done: Promise<void>
  /** Resolves once every writer has ended its last transaction. @throws the error of a writer. */
  stop(): Promise<void>
}

export interface WorkloadOptions {
  readonly url: string
  readonly seed: number
  readonly writers: number
  /** Number of transactions after which the workload ends by itself. */
  readonly most?: number
  /** Resolves when a writer may begin its next transaction. By default writers pause for a while, so that the load has gaps and bursts. */
  readonly pace?: (random: () => number, signal: AbortSignal) => Promise<void>
}

/** Kind of transaction: its name, its weight, and its statements. */
interface Deed {
  readonly name: string
  readonly weight: number
  readonly run: (writer: Writer) => Promise<void>
}

interface Writer {
  readonly client: Client
  /** Returns a random whole number from 0, below the limit. */
  readonly below: (limit: number) => number
}

const deeds: readonly Deed[] = [
  { name: 'insert', weight: 20, run: async (writer) => void (await insert(writer, 1 + writer.below(5))) },
  { name: 'update one row', weight: 30, run: (writer) => update(writer, 1) },
  { name: 'update many rows', weight: 3, run: (writer) => update(writer, 20 + writer.below(60)) },
  { name: 'update what is not sent', weight: 5, run: touch },
  { name: 'delete', weight: 5, run: remove },
  { name: 'change key', weight: 6, run: changeKey },
  { name: 'change code', weight: 6, run: changeCode },
  { name: 'swap codes', weight: 4, run: swapCodes },
  { name: 'hand over a code', weight: 4, run: handOver },
  { name: 'several statements', weight: 8, run: severalStatements },
  { name: 'write and take back', weight: 2, run: takeBack },
  { name: 'insert and delete', weight: 2, run: insertAndDelete },
  { name: 'two thousand rows', weight: 1.5, run: twoThousandRows },
]

export function startWorkload(options: WorkloadOptions): Workload {
  const { url, seed, writers, most = Number.POSITIVE_INFINITY, pace = think } = options
  const committed: Record<string, number> = {}
  const stopping = new AbortController()
  // All writers share one random sequence, so that the load has the same transactions in any order of the writers.
  const drawn = seededRandom(seed)
  let begun = 0
  const running = Array.from({ length: writers }, async (_, index) => {
    const random = seededRandom(seed * 31 + index)
    const client = newClient({ connectionString: url })
    await client.connect()
    const writer: Writer = { client, below: (limit) => Math.floor(random() * limit) }
    try {
      while (!stopping.signal.aborted && begun < most) {
        begun++
        const deed = draw(drawn)
        if (await transaction(writer, deed)) committed[deed.name] = (committed[deed.name] ?? 0) + 1
        await pace(random, stopping.signal)
      }
    } finally {
      await client.end()
    }
  })
  const done = Promise.all(running).then(() => undefined)
  done.catch(() => undefined)
  return {
    committed,
    done,
    async stop() {
      stopping.abort()
      await done
    },
  }
}

async function think(random: () => number, signal: AbortSignal): Promise<void> {
  await delay(random() * 300, undefined, { signal }).catch(() => undefined)
}

function draw(random: () => number): Deed {
  let left = random() * deeds.reduce((sum, { weight }) => sum + weight, 0)
  for (const deed of deeds) {
    left -= deed.weight
    if (left < 0) return deed
  }
  return update1
}

const update1: Deed = { name: 'update one row', weight: 0, run: (writer) => update(writer, 1) }
/** Deadlock, serialization failure, unique violation: concurrent writers cause them. The transaction is abandoned. */
const expected = new Set(['40P01', '40001', '23505'])

async function transaction(writer: Writer, deed: Deed): Promise<boolean> {
  const { client } = writer
  await client.query('begin')
  try {
    await deed.run(writer)
    await client.query('commit')
    return true
  } catch (error) {
    await client.query('rollback')
    if (error instanceof DatabaseError && expected.has(error.code ?? '')) return false
    throw error
  }
}

async function insert({ client, below }: Writer, rows: number): Promise<string[]> {
  // Every twentieth row has a value so long that it is stored out of line, and left out of later changes.
  const { rows: made } = await client.query<{ id: string }>(
    `insert into patients (given_name, mail, plan, notes)
     select 'Given' || $2 + n, 'm' || n || '@example.org', case when ($2 + n) % 7 = 0 then null else 'premium' end,
       case when ($2 + n) % 20 = 0 then jsonb_build_object('note', repeat(md5(random()::text), 80)) end
     from generate_series(1, $1::int) n returning id::text`,
    [rows, below(1000)],
  )
  return made.map(({ id }) => id)
}

/** Locks rows in the order of the key, from a random one on: versions drawn afterwards rise with the commits. */
async function lock({ client, below }: Writer, rows: number): Promise<string[]> {
  const newest = await client.query<{ id: string }>('select coalesce(max(id), 0)::text as id from patients')
  const found = await client.query<{ id: string }>(
    'select id::text from patients where id >= $1 order by id limit $2 for update',
    [below(Number(newest.rows[0]?.id ?? 0)), rows],
  )
  return found.rows.map(({ id }) => id)
}

async function update(writer: Writer, rows: number): Promise<void> {
  const ids = await lock(writer, rows)
  await writer.client.query(
    `update patients set family_name = next_version(), second_name = nullif('S' || $2::int % 5, 'S0'),
       sex = case when $2::int % 2 = 0 then 'M' else 'F' end, plan = case when $2::int % 6 = 0 then null else 'plus' end
     where id = any($1)`,
    [ids, writer.below(1000)],
  )
}

async function touch(writer: Writer): Promise<void> {
  await writer.client.query('update patients set visits = visits + 1 where id = any($1)', [await lock(writer, 10)])
}

async function remove(writer: Writer): Promise<void> {
  await writer.client.query('delete from patients where id = any($1)', [await lock(writer, 1 + writer.below(2))])
}

async function changeKey(writer: Writer): Promise<void> {
  await writer.client.query(
    `update patients set id = nextval(pg_get_serial_sequence('patients', 'id')), family_name = next_version() where id = any($1)`,
    [await lock(writer, 1)],
  )
}

async function changeCode(writer: Writer): Promise<void> {
  await writer.client.query('update patients set code = next_code(), family_name = next_version() where id = any($1)', [
    await lock(writer, 1),
  ])
}

async function swapCodes(writer: Writer): Promise<void> {
  const [a, b] = await lock(writer, 2)
  if (a === undefined || b === undefined) return
  await writer.client.query(
    `update patients p set code = o.code, family_name = next_version()
     from patients o where (p.id, o.id) in (($1, $2), ($2, $1))`,
    [a, b],
  )
}

/** Deletes a row and inserts another one with its code. */
async function handOver(writer: Writer): Promise<void> {
  const [id] = await lock(writer, 1)
  if (id === undefined) return
  const { rows } = await writer.client.query<{ code: string }>('delete from patients where id = $1 returning code', [
    id,
  ])
  await writer.client.query('insert into patients (code) values ($1)', [rows[0]?.code])
}

async function severalStatements(writer: Writer): Promise<void> {
  const made = await insert(writer, 3)
  await update(writer, 5)
  await writer.client.query('update patients set family_name = next_version() where id = any($1)', [made])
  await update(writer, 2)
}

async function takeBack(writer: Writer): Promise<void> {
  await insert(writer, 5)
  await update(writer, 20)
  await writer.client.query('rollback')
  await writer.client.query('begin')
}

async function insertAndDelete(writer: Writer): Promise<void> {
  await writer.client.query('delete from patients where id = any($1)', [await insert(writer, 2)])
}

async function twoThousandRows(writer: Writer): Promise<void> {
  const { rows } = await writer.client.query<{ count: number }>('select count(*)::int as count from patients')
  if ((rows[0]?.count ?? 0) < 3_000) await insert(writer, 2_000)
  else await update(writer, 2_000)
}
