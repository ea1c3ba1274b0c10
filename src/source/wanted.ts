/** Requirements of the settings on the source. */
export interface Wanted {
  readonly schema: string
  readonly table: string
  readonly publication: string
  readonly slot: string
  readonly where: string | null
  /** Columns that the mapping reads. */
  readonly columns: readonly string[]
  /** True if every column is read, also columns added later: a transform receives the whole row. */
  readonly wholeRow?: boolean
  /** `backfill`: a slot that has lost its WAL does not prevent a start, since it will be recreated. */
  readonly onSlotLost?: 'backfill' | 'stop'
}
