import pg, { type ClientConfig } from 'pg'

/**
 * Opens a connection of the replication protocol, as the stream will need one. PostgreSQL manual, "Streaming Replication Protocol",
 * `IDENTIFY_SYSTEM`.
 * @returns the system identifier. @throws the error of the server, or of a proxy in between.
 */
export async function probeReplication(config: ClientConfig): Promise<string> {
  // node-postgres puts this into its startup message, but its types lack it.
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
