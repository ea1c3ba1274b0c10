/** What the settings ask of the source. */
export interface Wanted {
  readonly schema: string
  readonly table: string
  readonly publication: string
  readonly slot: string
  readonly where: string | null
  /** Columns that the mapping reads. */
  readonly columns: readonly string[]
  /** Whether every column is read, whatever there will be: of a transform, which is given the whole row. */
  readonly wholeRow?: boolean
  /** `backfill`: a slot that has lost its WAL is no obstacle, since it will be recreated. */
  readonly onSlotLost?: 'backfill' | 'stop'
}
