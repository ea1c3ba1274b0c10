import { DatabaseError } from 'pg'

/**
 * The table, or what is published of it, is another than when the pipeline was made ready: nothing may be sent until the source
 * was looked at again. `inStream`: the stream has brought rows of another shape.
 */
export class SchemaChangedError extends Error {
  override readonly name = 'SchemaChangedError'
  readonly inStream: boolean

  constructor(message: string, { inStream }: { readonly inStream: boolean }) {
    super(message)
    this.inStream = inStream
  }
}

/** PostgreSQL manual, Appendix A: a table, schema, column, operator or type of a column that is not as it was. */
const codes = ['42P01', '3F000', '42703', '42883', '42804', '42846', '22P02']

/** What a read of the table failed with: an error of its own if the table is not as it was. */
export function schemaChangeOf(error: unknown): unknown {
  if (!(error instanceof DatabaseError) || !codes.includes(error.code ?? '')) return error
  // The server's message may quote a value.
  return new SchemaChangedError(`the table can no longer be read as it was (SQLSTATE ${error.code})`, {
    inStream: false,
  })
}
