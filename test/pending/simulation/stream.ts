import type { Progress } from '../../../src/checkpoint/progress.ts'
import type { Position } from '../../../src/model/position.ts'
import type { Content, StreamedChange } from '../../../src/pending/version.ts'
import { at, position } from '../rows.ts'
import type { RowVersion, Transaction } from './source-table.ts'
import type { World } from './world.ts'

interface Published {
  readonly version: RowVersion
  readonly content: Content
}

export interface StreamOptions {
  readonly world: World
  readonly progress: Progress
  readonly pending: { streamed(change: StreamedChange): void; passed(receivedLsn: Position['commitLsn']): void }
  /** Where the slot, or the stored checkpoint, lets it begin. */
  readonly from: number
  readonly onReceived: (position: Position) => void
}

/** The replication stream of one run: transactions whole, in the order of their commit records, whether visible or not. */
export function openStream({ world, progress, pending, from, onReceived }: StreamOptions) {
  const { commits } = world.table
  let next = commits.findIndex(({ commitLsn }) => commitLsn >= from)
  if (next === -1) next = commits.length
  let open: { readonly transaction: Transaction; readonly changes: readonly Published[][]; at: number } | null = null

  function receiveChange(): void {
    if (!open) return
    const { transaction, changes } = open
    const together = changes[open.at++]
    for (const { version, content } of together ?? []) {
      const received = position(transaction.commitLsn, open.at)
      world.note(() => `stream: ${transaction.name} ${describe(version)}`)
      const { xid } = transaction
      pending.streamed({ key: version.key, position: received, xid, committedAtMs: 0, content, bytes: version.number })
      onReceived(received)
    }
    if (open.at < changes.length) return
    open = null
    progress.commit(at(transaction.endLsn))
    pending.passed(progress.receivedLsn)
  }

  return {
    /** Whether everything that was committed has come. */
    get isAtEnd(): boolean {
      return open === null && next >= commits.length
    },
    /** One change and what came in the same message; a transaction begins and ends with its changes. Past the end, a keepalive. */
    receive(): void {
      if (open) {
        receiveChange()
        return
      }
      const transaction = commits[next]
      if (!transaction) {
        progress.keepalive(at(world.table.insertLsn))
        pending.passed(progress.receivedLsn)
        return
      }
      next++
      const changes = published(world, transaction)
      if (changes.length === 0) return
      progress.begin(at(transaction.commitLsn))
      open = { transaction, changes, at: 0 }
      receiveChange()
    },
  }
}

/** A changed key is one message and two versions: they share their place. */
function published({ contents }: World, { versions }: Transaction): Published[][] {
  const messages = new Map<number, Published[]>()
  for (const version of versions) {
    const content = contents.streamed(version)
    if (content) messages.set(version.ordinal, [...(messages.get(version.ordinal) ?? []), { version, content }])
  }
  return [...messages.values()]
}

export function describe({ key, image, incomplete, number }: RowVersion): string {
  const says = image ? `${image.code}=${image.letter}${incomplete ? ' (incomplete)' : ''}` : 'deleted'
  return `${key} ${says} (version ${number})`
}
