import { existsSync } from 'node:fs'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, chromium, type Page } from 'playwright-core'

const places = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
/** Browser of the machine; undefined if there is none. */
export const chromiumPath = places.find((path) => path !== undefined && existsSync(path))

export function openBrowser(): Promise<Browser> {
  // Chromium has no sandbox for a browser of root.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({ args, ...(chromiumPath !== undefined && { executablePath: chromiumPath }) })
}

/** Widths of a page: on a desktop and on a phone. */
export const widths = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } } as const

export interface Seen {
  readonly text: string
  /** Requests to servers other than the page's own. */
  readonly outside: readonly string[]
  /** Violations that axe finds, by rule. */
  readonly violations: readonly string[]
  readonly errors: readonly string[]
  /** The page must be scrolled sideways, if true. */
  readonly isTooWide: boolean
}

export interface LookOptions {
  readonly size: keyof typeof widths
  readonly scheme?: 'light' | 'dark'
  readonly script?: boolean
  /** Path for a picture of the page. */
  readonly picture?: string | undefined
}

/** Opens a page in a window of its own. @returns observations about it. */
export async function lookAt(browser: Browser, url: string, options: LookOptions): Promise<Seen> {
  const { size, scheme = 'light', script = true, picture } = options
  const context = await browser.newContext({
    viewport: widths[size],
    colorScheme: scheme,
    javaScriptEnabled: script,
    deviceScaleFactor: 1,
  })
  try {
    const page = await context.newPage()
    const outside: string[] = []
    const errors: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith('data:')) outside.push(request.url())
    })
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text())
    })
    page.on('pageerror', (error) => errors.push(String(error)))
    await page.goto(url)
    if (picture !== undefined) await page.screenshot({ path: picture, fullPage: true })
    return {
      text: await page.innerText('body'),
      outside,
      errors,
      violations: script ? await violationsOf(page) : [],
      isTooWide: script ? await page.evaluate('document.documentElement.scrollWidth > window.innerWidth') : false,
    }
  } finally {
    await context.close()
  }
}

async function violationsOf(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
}
