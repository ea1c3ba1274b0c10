import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { CreateCore } from './connector-run.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Exact piece of a source file, and its replacement that removes a rule. */
export interface Patch {
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface PatchedCore extends AsyncDisposable {
  readonly createCore: CreateCore
}

/** Loads the core from a copy of the source without a rule. @throws {Error} if the piece does not occur exactly once. */
export async function patchedCore(patches: readonly Patch[]): Promise<PatchedCore> {
  // The folder is inside the repository, so that packages resolve.
  const folder = await mkdtemp(join(root, '.patched-source-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    await cp(join(root, 'src'), join(folder, 'src'), { recursive: true })
    for (const { file, find, replace } of patches) {
      const path = join(folder, 'src', file)
      const text = await readFile(path, 'utf8')
      if (text.split(find).length !== 2) throw new Error(`src/${file} does not have this exactly once: ${find}`)
      await writeFile(
        path,
        text.replace(find, () => replace),
      )
    }
    const url = pathToFileURL(join(folder, 'src/pipeline/core/core.ts')).href
    const loaded: unknown = await import(/* @vite-ignore */ url)
    if (!isCoreModule(loaded)) throw new Error('the copy has no core')
    return { createCore: loaded.createCore, [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

function isCoreModule(loaded: unknown): loaded is { readonly createCore: CreateCore } {
  return typeof loaded === 'object' && loaded !== null && 'createCore' in loaded
}
