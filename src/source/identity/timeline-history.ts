import pg, { type ClientConfig } from 'pg'
import { type Lsn, parseLsn } from '../../model/source/lsn.ts'

/**
 * The server's timeline as text for `parseTimeline`. The control file learns of a promotion with the next checkpoint; the name of
 * the WAL file that is written to is up to date. A standby writes none: it is on the timeline that it receives.
 */
export const timelineSql = `case when not pg_is_in_recovery() then pg_walfile_name(pg_current_wal_lsn())
    else lpad(to_hex(coalesce((select received_tli from pg_stat_wal_receiver), (select timeline_id from pg_control_checkpoint()))), 8, '0') end`

/** A WAL file's name begins with its timeline, eight hexadecimal digits. PostgreSQL manual, "WAL Internals". */
export function parseTimeline(walFileName: string): number {
  return Number.parseInt(walFileName.slice(0, 8), 16)
}

/** An earlier timeline of a server, and where the one after it left it: what it wrote past that position is not the server's. */
export interface EndedTimeline {
  readonly timeline: number
  readonly switchLsn: Lsn
}

/** PostgreSQL manual, "Streaming Replication Protocol", TIMELINE_HISTORY: one ancestor a line, `timeline\tlsn\treason`. */
export function parseTimelineHistory(content: string): EndedTimeline[] {
  return content.split('\n').flatMap((line) => {
    const [, timeline, switchLsn] = /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(line) ?? []
    return timeline && switchLsn ? [{ timeline: Number(timeline), switchLsn: parseLsn(switchLsn) }] : []
  })
}

/** The timelines before this one, by a replication connection of its own. The first has none, nor a file to say so. */
export async function readTimelineHistory(config: ClientConfig, timeline: number): Promise<EndedTimeline[]> {
  if (timeline === 1) return []
  // The library's types leave `replication` out.
  const replicating = { ...config, replication: 'database' }
  const client = new pg.Client(replicating)
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<{ content: string }>(`TIMELINE_HISTORY ${timeline}`)
    return parseTimelineHistory(rows[0]?.content ?? '')
  } finally {
    await client.end()
  }
}
