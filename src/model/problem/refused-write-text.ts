import type { RefusedWriteFacts } from './problem.ts'

/** Describes which write fails, and the reason of the server. Pure. */
export function refusedWriteDetail({ operation, refusingTable, reason }: RefusedWriteFacts): string {
  return `every ${operation} of ${refusingTable} fails while it is published: ${reason}`
}

/** Returns what the connector has done, and what is left to do. Pure. */
export function refusedWriteFix({ relief, publication, fix, stopStatement }: RefusedWriteFacts): {
  readonly fix: string
  readonly commands: readonly string[]
} {
  const commands = ['mediquo-cdc check']
  switch (relief) {
    case 'fitted':
      return {
        fix: `The connector has altered its publication ${publication}: writes work again, and the table is read again.`,
        commands,
      }
    case 'stopped':
      return {
        fix: `The connector has ended the publication of updates and deletes: writes work again. It is blocked until the table can be published: ${fix}.`,
        commands,
      }
    case 'none':
      return {
        fix: `The connector may not alter the publication ${publication}: writes fail until somebody ends the publication of updates and deletes by the statement below. Then fix the table: ${fix}.`,
        commands: [stopStatement],
      }
  }
}
