import type { Lsn } from './lsn.ts'
import type { Row } from './row.ts'

/** A published table, as the stream describes it before its first change and after each alteration. */
export interface Relation {
  readonly oid: number
  readonly schema: string
  readonly table: string
  readonly replicaIdentity: 'default' | 'nothing' | 'full' | 'index'
  readonly columns: readonly { readonly name: string; readonly typeOid: number; readonly inIdentity: boolean }[]
}

/** One change of one row. `old` is what the replica identity sends: the key if it changed, or the whole row if it is full. */
export type Change =
  | { readonly operation: 'insert'; readonly relation: Relation; readonly row: Row }
  | { readonly operation: 'update'; readonly relation: Relation; readonly row: Row; readonly old: Row | null }
  | { readonly operation: 'delete'; readonly relation: Relation; readonly old: Row }

/** Events of the stream, in its order. Names of LSNs say their role; the transaction id has 32 bits here. */
export type WalEvent =
  | { readonly kind: 'begin'; readonly commitLsn: Lsn; readonly xid: number; readonly committedAtMs: number }
  | { readonly kind: 'change'; readonly change: Change; readonly bytes: number }
  | { readonly kind: 'truncate'; readonly relations: readonly Relation[] }
  | { readonly kind: 'commit'; readonly commitEndLsn: Lsn }
  | { readonly kind: 'keepalive'; readonly lsn: Lsn; readonly replyRequested: boolean }
