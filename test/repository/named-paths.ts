const code = /`([^`\n]+)`/g
const fence = /^ *```[\s\S]*?^ *```/gm
const link = /\]\(([^)\s]+)\)/g
const knownEnding = /\.(ts|mjs|cjs|js|json|ya?ml|md|sql)$/

/** Files that the user or the build creates, which are not in the repository. */
const madeLater = new Set(['config/mediquo-cdc.yaml', 'mediquo-cdc.yaml'])

/**
 * Returns the paths from the repository's root that a Markdown document names: in backticks, as words that look like files of the project,
 * and in relative links. `*` stands for any name.
 */
export function namedPaths(text: string, { document, folders }: { document: string; folders: ReadonlySet<string> }) {
  const prose = text.replace(fence, '')
  const words = [...prose.matchAll(code)].flatMap(([, quoted = '']) => quoted.split(/\s+/)).map(withoutPosition)
  const named = words.filter((word) => looksOurs(word, folders))
  const linked = [...prose.matchAll(link)]
    .map(([, target = '']) => target.replace(/#.*$/, ''))
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
    .map((target) => new URL(target, `file:///${document}`).pathname.slice(1))
  return [...named, ...linked].filter((path) => !madeLater.has(path) && !path.startsWith('dist/'))
}

/** Returns a pattern that matches a file's path, or a folder above it. A bare file name may be in any folder. */
export function pathPattern(named: string): RegExp {
  const anyName = named
    .replace(/\/$/, '')
    .replace(/[.+^$()|[\]\\]/g, '\\$&')
    .replaceAll('**', '\0')
    .replaceAll('*', '[^/]*')
    .replaceAll('\0', '.*')
  return new RegExp(named.includes('/') ? `^${anyName}(/|$)` : `(^|/)${anyName}$`)
}

function withoutPosition(word: string): string {
  return word.replace(/^\.\//, '').replace(/[,;]$/, '').replace(/:\d+$/, '')
}

function looksOurs(word: string, folders: ReadonlySet<string>): boolean {
  if (!/^[\w.*@-]+(\/[\w.*@-]+)*\/?$/.test(word)) return false
  const [first = '', ...rest] = word.split('/')
  return rest.length > 0 ? folders.has(first) : knownEnding.test(word)
}
