/** A call of the connector to somebody outside: what happens there, and when the answer comes, are steps of their own. */
export interface Call {
  readonly name: string
  /** The next thing that happens to it. */
  next(): void
  /** The connection breaks: it is not known what happened. */
  fail(): void
  /** What has not happened yet; the process that made the call is dead. */
  readonly left: readonly (() => void)[]
}

/** A call failed because the simulation wanted it to. */
export class BrokenConnectionError extends Error {
  override readonly name = 'BrokenConnectionError'
}

/** The calls that one process has made and that are not answered. */
export class Calls {
  readonly open: Call[] = []

  /** @param effects what happens outside, one step each. @param answer what is told after them. */
  make<T>(name: string, effects: readonly (() => void)[], answer: () => T): Promise<T> {
    const left = [...effects]
    return new Promise((resolve, reject) => {
      const end = () => this.open.splice(this.open.indexOf(call), 1)
      const call: Call = {
        name,
        left,
        next: () => {
          const effect = left.shift()
          if (effect) return effect()
          end()
          resolve(answer())
        },
        fail: () => {
          end()
          reject(new BrokenConnectionError(name))
        },
      }
      this.open.push(call)
    })
  }
}

/** Lets everything that was answered go on until it waits again. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
