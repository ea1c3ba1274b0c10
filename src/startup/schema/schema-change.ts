import { DatabaseError } from 'pg'

/**
 * The table, or its publication, has changed since the preparation: nothing may be sent until the source was read again. `inStream`: the
 * stream has brought rows of another table schema.
 */
export class SchemaChangedError extends Error {
  override readonly name = 'SchemaChangedError'
  readonly inStream: boolean

  constructor(message: string, { inStream }: { readonly inStream: boolean }) {
    super(message)
    this.inStream = inStream
  }
}

/** SQLSTATEs of a changed table, schema, column, operator or column type. PostgreSQL manual, Appendix A. */
const codes = ['42P01', '3F000', '42703', '42883', '42804', '42846', '22P02']

/** Returns a SchemaChangedError for a failed read if the table has changed, and else the error itself. */
export function schemaChangeOf(error: unknown): unknown {
  if (!(error instanceof DatabaseError) || !codes.includes(error.code ?? '')) return error
  // Leave out the server's message: it can quote a value.
  return new SchemaChangedError(`the table can no longer be read as it was (SQLSTATE ${error.code})`, {
    inStream: false,
  })
}
