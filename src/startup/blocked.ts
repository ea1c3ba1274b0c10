/** Nothing may be sent until somebody has acted. It is looked at again and again, and goes on by itself once they have. */
export class BlockedError extends Error {
  override readonly name = 'BlockedError'
  /** The state's run at that time: a later one means that somebody has acted. */
  readonly run: number

  constructor(message: string, run: number) {
    super(message)
    this.run = run
  }
}

/** Another session is at work on the slot: it is looked at again soon. */
export class SlotBusyError extends Error {
  override readonly name = 'SlotBusyError'
}
