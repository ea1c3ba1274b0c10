/** Nothing may be sent until somebody has acted. The connector checks the source repeatedly and continues by itself afterwards. */
export class BlockedError extends Error {
  override readonly name = 'BlockedError'
  /** Epoch of the checkpoint at that time. A later one means that somebody has acted. */
  readonly run: number

  constructor(message: string, run: number) {
    super(message)
    this.run = run
  }
}

/** Another session uses or creates the slot. The connector tries again soon. */
export class SlotBusyError extends Error {
  override readonly name = 'SlotBusyError'
}
