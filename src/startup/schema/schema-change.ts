import { DatabaseError } from 'pg'
import { ConnectorError } from '../../model/failure/connector-error.ts'
import { sqlstate } from '../../model/failure/sqlstate.ts'

/**
 * The table, or its publication, has changed since the preparation: nothing may be sent until the source was read again. `inStream`: the
 * stream has brought rows of another table schema.
 */
export class SchemaChangedError extends ConnectorError {
  override readonly name = 'SchemaChangedError'
  readonly inStream: boolean

  constructor(message: string, { inStream }: { readonly inStream: boolean }) {
    super('schema changed', message)
    this.inStream = inStream
  }
}

/** SQLSTATEs of a changed table, schema, column, operator or column type. */
const codes: readonly string[] = [
  sqlstate.undefinedTable,
  sqlstate.invalidSchemaName,
  sqlstate.undefinedColumn,
  sqlstate.undefinedFunction,
  sqlstate.datatypeMismatch,
  sqlstate.cannotCoerce,
  sqlstate.invalidTextRepresentation,
]

/** Returns a SchemaChangedError for a failed read if the table has changed, and else the error itself. */
export function schemaChangeOf(error: unknown): unknown {
  if (!(error instanceof DatabaseError) || !codes.includes(error.code ?? '')) return error
  // Leave out the server's message: it can quote a value.
  return new SchemaChangedError(`the table can no longer be read as it was (SQLSTATE ${error.code})`, {
    inStream: false,
  })
}
