/** Nothing may be sent until somebody has acted. It is looked at again and again, and goes on by itself once they have. */
export class BlockedError extends Error {
  override readonly name = 'BlockedError'
}

/** Another session is at work on the slot: it is looked at again soon. */
export class SlotBusyError extends Error {
  override readonly name = 'SlotBusyError'
}
