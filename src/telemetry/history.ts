import { historyMs, type Sample, sampleEveryMs } from '../model/status/sample.ts'

const most = historyMs / sampleEveryMs

/** Samples of the last hour, the oldest first, in memory only. */
export class History {
  readonly #samples: Sample[] = []

  add(sample: Sample): void {
    this.#samples.push(sample)
    if (this.#samples.length > most) this.#samples.shift()
  }

  /** Returns the samples of the last hour. After a machine was suspended, some of the samples kept are older. */
  since(nowMs: number): readonly Sample[] {
    return this.#samples.filter(({ atMs }) => atMs > nowMs - historyMs)
  }
}
