import { expect } from 'vitest'
import type { SandboxApi } from '../../src/sandbox/api-server.ts'
import type { RunningConnector } from './connector.ts'
import { until } from './until.ts'

/** Query for the patients of the table. The columns have the names of `Shown`. */
const asPatients = `select code, first_name, last_name, gender, birth_date::text as birth_date, email, plan from patients`

type Shown = Readonly<Record<string, string | null>>

/** Returns the subscribed patients at mediQuo, by code. */
function subscribed(sandbox: SandboxApi): Shown[] {
  const patients = [...sandbox.patients().values()].filter(({ unsubscribed_at }) => unsubscribed_at === null)
  return sorted(
    patients.map(({ code, first_name, last_name, gender, birth_date, email, plan }) => {
      return { code, first_name, last_name, gender, birth_date, email, plan }
    }),
  )
}

/**
 * Resolves once the subscribed patients at mediQuo equal the rows of the table that have a plan, value by value, and no row is pending.
 * Compares everything only with `onDelete: unsubscribe`.
 * @param patients the query for the patients of the table.
 */
export async function expectBothEndsEqual(connector: RunningConnector, patients = asPatients): Promise<void> {
  const wanted = async () => sorted((await connector.database.query(patients)).filter(({ plan }) => plan !== null))
  const equal = async () => JSON.stringify(subscribed(connector.sandbox)) === JSON.stringify(await wanted())
  await until(async () => (await equal()) && (await connector.status()).delivery.pending === 0).catch(() => undefined)
  expect(subscribed(connector.sandbox)).toEqual(await wanted())
}

function sorted(patients: readonly Shown[]): Shown[] {
  return patients.toSorted((a, b) => String(a.code).localeCompare(String(b.code)))
}
