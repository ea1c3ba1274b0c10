import type { DatabaseError } from 'pg'
import { ConnectorError } from '../../model/failure/connector-error.ts'
import { sqlstate } from '../../model/failure/sqlstate.ts'

/** Table of the application, and the publication that contains it. */
export interface PublishedTable {
  readonly schema: string
  readonly table: string
  readonly publication: string
}

/** Text of the server. */
export interface ServerText {
  readonly message: string
  readonly detail: string | null
  readonly hint: string | null
}

/** Write of the application that PostgreSQL refuses because a publication contains the table. */
export interface RefusedWrite {
  readonly operation: 'UPDATE' | 'DELETE'
  /** Table, partition or child table that refuses it, as an SQL name. */
  readonly table: string
  /** `identity`: it has no replica identity. `published columns`: the column list or the row filter does not fit the identity. */
  readonly cause: 'identity' | 'published columns'
  readonly server: ServerText
}

/** Answer of the server to the question whether the application may still write. */
export type WritesAnswer =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly write: RefusedWrite }
  /** The server refuses the publication itself. */
  | { readonly kind: 'not publishable'; readonly error: DatabaseError }
  /** A right or a lock was missing, or the tables changed during the question. */
  | { readonly kind: 'unanswered'; readonly error: DatabaseError }

/** Causes by the SQLSTATE with which PostgreSQL refuses the write. */
export const causes: Readonly<Record<string, RefusedWrite['cause']>> = {
  [sqlstate.objectNotInPrerequisiteState]: 'identity',
  [sqlstate.invalidColumnReference]: 'published columns',
}

export function serverTextOf({ message, detail, hint }: DatabaseError): ServerText {
  return { message, detail: detail ?? null, hint: hint ?? null }
}

/** Joins the server's message with its DETAIL and HINT. */
export function inOneLine({ message, detail, hint }: ServerText): string {
  return [message, detail, hint]
    .filter((part) => part !== null)
    .map((part) => part.replace(/\.$/, ''))
    .join('. ')
}

/** Describes the refused write in one sentence, which ends with the text of the server. */
export function describeRefusedWrite({ operation, table, server }: RefusedWrite): string {
  return `PostgreSQL refuses every ${operation} of ${table} while it is published: ${inOneLine(server)}`
}

/** Returns the statements that fix it, for an administrator. */
export function refusedWriteFix({ table, cause }: RefusedWrite): string {
  return cause === 'identity'
    ? `ALTER TABLE ${table} REPLICA IDENTITY FULL; or REPLICA IDENTITY DEFAULT with a primary key that is not deferrable; or REPLICA IDENTITY USING INDEX with a unique index over columns that are not null`
    : `ALTER TABLE ${table} REPLICA IDENTITY DEFAULT; or, if source.where reads other columns than its key, ALTER TABLE ${table} REPLICA IDENTITY FULL; with a publication of every column`
}

/** Requires that the application can still write. @throws {ConnectorError} check failed. @throws the error of an unanswered question. */
export function requireAccepted(answer: WritesAnswer): void {
  switch (answer.kind) {
    case 'accepted':
      return
    case 'refused': {
      const { write } = answer
      throw new ConnectorError('check failed', `${describeRefusedWrite(write)}: ${refusedWriteFix(write)}`)
    }
    case 'not publishable':
    case 'unanswered':
      throw answer.error
  }
}
