import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, extname, resolve } from 'node:path'

/** Relative path in quotes: of an import, or of a file that the module reads. */
const relativePath = /(['"`])(\.{1,2}\/[^'"`\n]+)\1/g
const modules: readonly string[] = ['.js', '.mjs', '.cjs', '.ts', '.mts']

/**
 * Returns a hash of a module's text and of the files that it names by a relative path, and that those name in turn: imported modules and
 * tables of values decide too what a row is sent as. Packages are not part of it. @throws if the module itself cannot be read.
 */
export async function contentHashOf(path: string): Promise<string> {
  const hashes = await hashOf(path, path, new Set([path]))
  const [only] = hashes
  return only !== undefined && hashes.length === 1 ? only : sha256(hashes.join('\n'))
}

/** Returns the hashes of a file and of those that it names, in the order in which they are named. */
async function hashOf(path: string, root: string, seen: Set<string>): Promise<string[]> {
  const content = await readFile(path).catch((error: unknown) => {
    // A text that looks like a path may be something else.
    if (path !== root) return null
    throw error
  })
  if (content === null) return []
  const hashes = [sha256(content)]
  if (!modules.includes(extname(path))) return hashes
  for (const [, , name = ''] of content.toString('utf8').matchAll(relativePath)) {
    const named = resolve(dirname(path), name)
    if (seen.has(named)) continue
    seen.add(named)
    hashes.push(...(await hashOf(named, root, seen)))
  }
  return hashes
}

function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex')
}
