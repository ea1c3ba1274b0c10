import pg, { type ClientConfig } from 'pg'

/**
 * Opens a connection of the replication protocol, as the stream will need one, and asks whose it is. PostgreSQL manual, "Streaming
 * Replication Protocol", `IDENTIFY_SYSTEM`. @returns the system identifier. @throws what the server or something in between says.
 */
export async function probeReplication(config: ClientConfig): Promise<string> {
  // node-postgres hands this on in its startup message, and its types do not know it.
  const replication: ClientConfig & { readonly replication: 'database' } = { ...config, replication: 'database' }
  const client = new pg.Client(replication)
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<{ systemid: string }>('IDENTIFY_SYSTEM')
    return rows[0]?.systemid ?? ''
  } finally {
    await client.end()
  }
}
