import type { TestDatabase } from '../postgres.ts'
import { newClient } from './connections.ts'

/**
 * Runs two statements in two transactions whose commit records are adjacent in the WAL: the end of the first is the start of the second.
 * The server may write a record in between, so the caller checks the positions.
 */
export async function commitTogether(database: TestDatabase, first: string, second: string): Promise<void> {
  const clients = [newClient({ connectionString: database.url }), newClient({ connectionString: database.url })]
  try {
    for (const [at, client] of clients.entries()) {
      await client.connect()
      await client.query('begin')
      await client.query(at === 0 ? first : second)
    }
    for (const client of clients) await client.query('commit')
  } finally {
    for (const client of clients) await client.end()
  }
}
