import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { patientsTable, type RunningConnector, startConnector } from '../../support/connector.ts'
import { shortOrLong } from '../../support/test-form.ts'
import { until } from '../../support/until.ts'
import { chromiumPath, lookAt, openBrowser } from './chromium.ts'

/** Folder for pictures in the documents; by default none are taken. */
const pictures = process.env.SCREENSHOTS_DIR
/** Duration of activity before a picture is taken, so that the charts show something. */
const livelyMs = Number(process.env.SCREENSHOTS_MINUTES ?? 0) * 60_000

const rows = (count: number) => `insert into patients (code, first_name, last_name, plan)
  select 'P' || 1000 + n, 'Given ' || n, 'Family ' || n, 'premium' from generate_series(1, ${count}) n;`

let browser: Browser
const urlOf = (connector: RunningConnector) => `http://127.0.0.1:${connector.port()}/`

/** Writes changes of varying size, each once the one before has been delivered, as on a working day. */
async function live({ database, status }: RunningConnector) {
  const endMs = Date.now() + livelyMs
  for (let turn = 1; Date.now() < endMs; turn++) {
    const many = 1 + Math.round(40 * (1 + Math.sin(turn / 40)) ** 2 * Math.random())
    await database.query(
      `update patients set email = 'at${turn}.' || code || '@example.org' where code in (select code from patients order by random() limit ${many})`,
    )
    await until(async () => (await status()).delivery.pending === 0)
  }
}

const bothSizesAndSchemes = [
  { size: 'desktop', scheme: 'light' },
  { size: 'phone', scheme: 'dark' },
] as const
/** Each size in each scheme. Pictures show them all. */
const everyLook = [
  ...bothSizesAndSchemes,
  { size: 'phone', scheme: 'light' },
  { size: 'desktop', scheme: 'dark' },
] as const
const looks = pictures === undefined ? shortOrLong(bothSizesAndSchemes, everyLook) : everyLook

/** Checks properties of the page that hold in any state, in both widths. With `name`, takes pictures. */
async function expectGoodPage(connector: RunningConnector, name: string, says: readonly (string | RegExp)[]) {
  const url = urlOf(connector)
  for (const { size, scheme } of looks) {
    const isWanted = pictures !== undefined && (scheme === 'light' || name === 'streaming')
    const file = `${name}-${size}${scheme === 'dark' ? '-dark' : ''}.png`
    const picture = isWanted ? join(pictures, file) : undefined
    const seen = await lookAt(browser, url, { size, scheme, picture })
    expect(seen, `${size}, ${scheme}`).toMatchObject({ outside: [], errors: [], violations: [], isTooWide: false })
    for (const words of says) expect(seen.text).toMatch(words)
  }
  const { text } = await lookAt(browser, url, { size: 'phone', script: false })
  for (const words of says) expect(text).toMatch(words)
}

const why = chromiumPath === undefined ? ' (skipped: no Chromium here, CHROMIUM names one)' : ''

describe.skipIf(chromiumPath === undefined)(`the page, in a browser${why}`, () => {
  beforeAll(async () => {
    browser = await openBrowser()
  })
  afterAll(() => browser?.close())

  describe.concurrent('shows the state of the connector', () => {
    const timeout = 120_000 + livelyMs

    test('streaming', { timeout }, async () => {
      await using connector = await startConnector({
        schema: patientsTable + rows(500),
        config: { source: { backfill: 'initial' } },
      })
      await until(async () => (await connector.status()).backfill.state === 'done', { deadlineMs: 60_000 })
      await live(connector)
      await expectGoodPage(connector, 'streaming', [
        'Streaming',
        'Healthy',
        'public.patients',
        /Backfill\n+done, 500 rows/,
      ])
    })

    test('backfilling', { timeout }, async () => {
      await using connector = await startConnector({
        schema: patientsTable + rows(60_000),
        // Ten minutes of backfill, however long the browser takes.
        config: { source: { backfill: 'initial' }, mediquo: { requestsPerMinute: 60 } },
        waitFor: 'backfilling',
      })
      // Pictures show a backfill that has got somewhere.
      const rowsToRead = livelyMs > 0 ? 2_000 : 1
      await until(async () => (await connector.status()).backfill.rowsRead >= rowsToRead, { deadlineMs: 60_000 })
      await expectGoodPage(connector, 'backfilling', ['Backfilling', 'Healthy', /of about [\d,]+ rows read/])
    })

    test('blocked', { timeout }, async () => {
      await using connector = await startConnector({ schema: patientsTable + rows(50) })
      await live(connector)
      await connector.database.query('alter table patients rename column first_name to given_name')
      await connector.database.query(`update patients set email = 'x@example.org'`)
      await connector.whenState('blocked')
      await expectGoodPage(connector, 'blocked', [
        'Blocked',
        'Action required',
        'What to do',
        'first_name',
        'mediquo-cdc check',
      ])
    })

    test('dead letters', { timeout }, async () => {
      await using connector = await startConnector({ schema: patientsTable + rows(200) })
      connector.sandbox.reject({ codes: ['P1003', 'P1017'] })
      await connector.database.query(`insert into patients (code, gender) values ('P2001', 'unknown'), ('P2002', '')`)
      await connector.database.query(`update patients set email = code || '@example.org' where code < 'P1100'`)
      await live(connector)
      const { database } = connector
      await until(async () => (await database.query('select 1 from mediquo_cdc.dead_letter')).length === 4)
      await until(async () => (await connector.status()).deadLetters === 4)
      await expectGoodPage(connector, 'dead-letters', [
        'Streaming',
        'Warning',
        '4 rows rejected',
        'P1003',
        'P2001',
        /gender/,
      ])
    })

    test('standby', { timeout }, async () => {
      await using first = await startConnector({ schema: patientsTable + rows(20) })
      const { database, sandbox } = first
      await using second = await startConnector({ database, sandbox, waitFor: 'standby' })
      await live(first)
      await expectGoodPage(second, 'standby', ['Standby', 'Healthy', 'takes over when it stops'])
    })
  })

  test('updates without being reloaded, and reports when the connector no longer answers', async () => {
    await using connector = await startConnector()
    const context = await browser.newContext()
    try {
      const page = await context.newPage()
      await page.goto(urlOf(connector))
      await page.evaluate('window.isTheSame = true')
      await page.click('summary')
      await connector.database.query(`insert into patients (code) values ('jane')`)
      await connector.whenPatient('jane')
      await page.locator('#flow', { hasText: 'last' }).waitFor()
      expect(await page.innerText('#flow')).toMatch(/mediQuo\s+1\s/)
      expect(await page.evaluate(`window.isTheSame && document.querySelector('details').open`)).toBe(true)
      // The route accepts the request, and never answers.
      await page.route('**', () => undefined)
      await page.locator('#stale', { hasText: 'No answer' }).waitFor()
      expect(await page.innerText('.badge')).toBe('? Not known')
      await page.unrouteAll({ behavior: 'ignoreErrors' })
      await page.locator('.badge', { hasText: 'Healthy' }).waitFor()
      await connector.stop()
      await page.locator('#stale', { hasText: 'No answer' }).waitFor()
    } finally {
      await context.close()
    }
  })
})
