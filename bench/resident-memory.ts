import { readFile } from 'node:fs/promises'

const sampleEveryMs = 100

/** Memory of the container that the image is made for. */
export const containerMiB = 256

/** Returns the settings of the image that affect memory. */
export async function imageEnvironment(): Promise<Record<string, string>> {
  const dockerfile = await readFile(new URL('../Dockerfile', import.meta.url), 'utf8')
  const set = dockerfile.matchAll(/(NODE_OPTIONS|MALLOC_ARENA_MAX)=(?:"([^"]*)"|(\S+))/g)
  return Object.fromEntries([...set].map(([, name = '', quoted, plain]) => [name, quoted ?? plain ?? '']))
}

/** Samples resident memory from `/proc`; NaN except on Linux. The peak is that of the kernel, which no sample can miss. */
export function sampleResidentMemory(pid: number) {
  let peak = Number.NaN
  let last = Number.NaN
  const samples: { readonly atMs: number; readonly mebibytes: number }[] = []
  const sample = async () => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    const mebibytes = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024
    // A process that has ended has no memory: keep the last values.
    if (Number.isNaN(mebibytes('VmRSS'))) return
    peak = mebibytes('VmHWM')
    last = mebibytes('VmRSS')
    samples.push({ atMs: performance.now(), mebibytes: last })
  }
  /** Returns the maximum of each fifth of a period (`performance.now()`). The first is the warm-up, the others show if memory grows. */
  const fifthsMiB = (fromMs: number, toMs: number) =>
    Array.from({ length: 5 }, (_, at) => {
      const [from, to] = [at, at + 1].map((fifths) => fromMs + (fifths * (toMs - fromMs)) / 5)
      const within = samples.filter(({ atMs }) => atMs >= (from ?? 0) && atMs < (to ?? 0))
      return Math.max(...within.map(({ mebibytes }) => mebibytes))
    })
  const timer = setInterval(() => void sample(), sampleEveryMs)
  return { sample, peakMiB: () => peak, lastMiB: () => last, fifthsMiB, stop: () => clearInterval(timer) }
}

/** Returns the growth over the four fifths after the warm-up: their maximum minus the first of them. */
export function growthMiB([, second = Number.NaN, ...later]: readonly number[]): number {
  return Math.max(second, ...later) - second
}
