import type { Stand } from './stand.ts'

/** Returns true if the API has the table's patients, each with its newest e-mail address. */
export async function bothEndsAreEqual({ pool, sandbox }: Stand): Promise<boolean> {
  const { rows: wanted } = await pool.query<{ code: string; email: string }>('select code, email from patients')
  const stored = new Map((await sandbox.patients()).map((patient) => [patient.code, patient.email]))
  return wanted.length === stored.size && wanted.every(({ code, email }) => stored.get(code) === email)
}
