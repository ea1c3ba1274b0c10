import { readFile } from 'node:fs/promises'

const sampleEveryMs = 100

/** What the image sets that bears on memory. */
export async function imageEnvironment(): Promise<Record<string, string>> {
  const dockerfile = await readFile(new URL('../Dockerfile', import.meta.url), 'utf8')
  const set = dockerfile.matchAll(/(NODE_OPTIONS|MALLOC_ARENA_MAX)=(?:"([^"]*)"|(\S+))/g)
  return Object.fromEntries([...set].map(([, name = '', quoted, plain]) => [name, quoted ?? plain ?? '']))
}

/** Reads `/proc`, so it knows nothing except on Linux. The peak is the kernel's own, which no sample can miss. */
export function sampleResidentMemory(pid: number) {
  let peak = Number.NaN
  let last = Number.NaN
  const sample = async () => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    const mebibytes = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024
    peak = mebibytes('VmHWM')
    last = mebibytes('VmRSS')
  }
  const timer = setInterval(() => void sample(), sampleEveryMs)
  return { peakMiB: () => peak, lastMiB: () => last, stop: () => clearInterval(timer) }
}
