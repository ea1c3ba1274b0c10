import pg, { type ClientConfig } from 'pg'
import { type Lsn, parseLsn } from '../../model/source/lsn.ts'

/**
 * SQL of the server's timeline, as text for `parseTimeline`. The control file shows a promotion only after the next checkpoint; the name of
 * the current WAL file is up to date. A standby writes no WAL: it is on the timeline that it receives.
 */
export const timelineSql = `case when not pg_is_in_recovery() then pg_walfile_name(pg_current_wal_lsn())
    else lpad(to_hex(coalesce((select received_tli from pg_stat_wal_receiver), (select timeline_id from pg_control_checkpoint()))), 8, '0') end`

/** Returns the timeline in a WAL file's name: its first eight hexadecimal digits. PostgreSQL manual, "WAL Internals". */
export function parseTimeline(walFileName: string): number {
  return Number.parseInt(walFileName.slice(0, 8), 16)
}

/** Earlier timeline of a server, and the LSN at which the next one left it. WAL past that LSN is not part of the server's history. */
export interface EndedTimeline {
  readonly timeline: number
  readonly switchLsn: Lsn
}

/** Parses the history, one ancestor a line. PostgreSQL manual, "Streaming Replication Protocol", TIMELINE_HISTORY. */
export function parseTimelineHistory(content: string): EndedTimeline[] {
  return content.split('\n').flatMap((line) => {
    const [, timeline, switchLsn] = /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(line) ?? []
    return timeline && switchLsn ? [{ timeline: Number(timeline), switchLsn: parseLsn(switchLsn) }] : []
  })
}

/** Reads the timelines before this one, on a replication connection of its own. The first timeline has no history file. */
export async function readTimelineHistory(config: ClientConfig, timeline: number): Promise<EndedTimeline[]> {
  if (timeline === 1) return []
  // The library's types lack `replication`.
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
