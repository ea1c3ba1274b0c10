import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadTransform } from '../../src/mapping/transform.ts'
import { contentHashOf } from '../../src/mapping/transform-files.ts'
import { workspace } from '../config/loading.ts'

const files = {
  'transform.mjs': `import { plan } from './lib/plan.mjs'
    const table = new URL("./codes.csv", import.meta.url)
    export default (row, patient) => ({ ...patient, plan, email: './not-a-file' })`,
  'lib/plan.mjs': `export { plan } from '../lib/constants.mjs'`,
  'lib/constants.mjs': `export const plan = 'premium' // './plan.mjs'`,
  'codes.csv': 'a,b',
  'unrelated.mjs': '',
}

describe('the hash of a transform', () => {
  it.each(['transform.mjs', 'lib/plan.mjs', 'lib/constants.mjs', 'codes.csv'])('changes with %s', async (name) => {
    using directory = workspace(files)
    const path = join(directory.cwd, 'transform.mjs')
    const before = await contentHashOf(path)
    directory.write(name, '// another text')
    expect(await contentHashOf(path)).not.toBe(before)
  })

  it('is the same wherever the files stand, and whatever other files there are', async () => {
    using directory = workspace(files)
    using moved = workspace({ ...files, 'unrelated.mjs': '// another text' })
    const hash = await contentHashOf(join(directory.cwd, 'transform.mjs'))
    expect(await contentHashOf(join(moved.cwd, 'transform.mjs'))).toBe(hash)
  })

  it('is that of the function in use, also after the file has changed', async () => {
    using directory = workspace({ 'transform.mjs': `export default () => 'before'` })
    const path = join(directory.cwd, 'transform.mjs')
    const { contentHash } = await loadTransform(path)
    directory.write('transform.mjs', `export default () => 'after'`)
    const again = await loadTransform(path)
    expect(again.contentHash).toBe(contentHash)
    expect(again.apply({}, {})).toBe('before')
  })
})
