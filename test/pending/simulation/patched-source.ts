import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Modules, moduleFiles } from './modules.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** One exact piece of a source file, and what stands there once a rule is taken out. */
export interface Patch {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** The modules from a copy of the source with a rule taken out. @throws {Error} if the piece is not there exactly once. */
export async function patchedModules(patches: readonly Patch[]): Promise<Modules & AsyncDisposable> {
  // Inside the repository, where the packages are found.
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
    const load = async (name: keyof Modules) => {
      const url = pathToFileURL(join(folder, 'src', moduleFiles[name])).href
      const loaded = (await import(/* @vite-ignore */ url)) as Record<string, unknown>
      return [name, loaded[name]] as const
    }
    const names = Object.keys(moduleFiles) as (keyof Modules)[]
    const modules = Object.fromEntries(await Promise.all(names.map(load))) as unknown as Modules
    return { ...modules, [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}
