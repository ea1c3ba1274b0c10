import { ConnectorError } from '../model/failure/connector-error.ts'

/** Nothing may be sent until somebody has acted. The connector checks the source repeatedly and continues by itself afterwards. */
export class BlockedError extends ConnectorError {
  override readonly name = 'BlockedError'
  /** Epoch of the checkpoint at that time. A later one means that somebody has acted. */
  readonly epoch: number

  constructor(message: string, epoch: number) {
    super('decision needed', message)
    this.epoch = epoch
  }
}
