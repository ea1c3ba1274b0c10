import { historyMs, type Sample, sampleEveryMs } from '../model/status/sample.ts'

const most = historyMs / sampleEveryMs

/** The samples of the last hour, the oldest first: never more than an hour holds, and none that is older. It survives nothing. */
export class History {
  readonly #samples: Sample[] = []

  add(sample: Sample): void {
    this.#samples.push(sample)
    if (this.#samples.length > most) this.#samples.shift()
  }

  /** After a machine was suspended, samples may be older than they are many. */
  since(nowMs: number): readonly Sample[] {
    return this.#samples.filter(({ atMs }) => atMs > nowMs - historyMs)
  }
}
