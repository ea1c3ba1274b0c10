import type { Pool } from 'pg'
import { seededRandom } from '../model/seeded-random.ts'

/** Table of a hospital as a customer could have it, with invented persons only. */
export const hospitalSchema = `
  create schema admissions;
  create table admissions.persons (
    ward smallint not null default 1, history_number text primary key, given_name text not null, second_name text,
    family_name text, sex char(1) not null, dob text not null, mail text, policy text not null default 'NONE',
    last_seen timestamptz not null default now())`

/** Content that the API should have for each row, in SQL: an oracle that shares no code with the mapping. */
const expectedQuery = `
  select history_number as code,
    concat_ws(' ', given_name, nullif(second_name, '')) as first_name, nullif(family_name, '') as last_name,
    case sex when 'M' then 'male' else 'female' end as gender, to_char(to_date(dob, 'DD/MM/YYYY'), 'YYYY-MM-DD') as birth_date,
    nullif(mail, '') as email, case policy when 'GOLD' then 'premium' when 'BASIC' then 'basic' end as plan
  from admissions.persons`

export interface ExpectedPatient {
  readonly code: string
  readonly first_name: string
  readonly last_name: string | null
  readonly gender: string
  readonly birth_date: string
  readonly email: string | null
  readonly plan: string | null
}

export async function expectedPatients(pool: Pool): Promise<ExpectedPatient[]> {
  return (await pool.query<ExpectedPatient>(expectedQuery)).rows
}

const givenNames = ['Ana', 'Luis', 'María', 'Jordi', 'Núria', 'Iker', 'Uxía', 'Chloé', 'Zoë', 'Álvaro']
const familyNames = ['García', 'Pérez Soler', "O'Brien", 'Müller', 'Etxeberria', 'Vázquez', 'Ñíguez', 'Dvořák']

/** Inserts invented persons with consecutive history numbers. */
export async function admit(pool: Pool, from: number, count: number, seed = 1): Promise<void> {
  const random = seededRandom(seed + from)
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)] ?? ''
  const two = (value: number) => String(value).padStart(2, '0')
  const rows = Array.from({ length: count }, (_, at) => ({
    history_number: `HC-${String(from + at).padStart(6, '0')}`,
    given_name: pick(givenNames),
    second_name: random() < 0.3 ? pick(givenNames) : null,
    family_name: pick(familyNames),
    sex: random() < 0.5 ? 'M' : 'F',
    dob: `${two(1 + Math.floor(random() * 28))}/${two(1 + Math.floor(random() * 12))}/${1930 + Math.floor(random() * 90)}`,
    mail: random() < 0.7 ? `person${from + at}@example.org` : '',
    policy: pick(['GOLD', 'BASIC', 'NONE']),
  }))
  await pool.query(
    `insert into admissions.persons (history_number, given_name, second_name, family_name, sex, dob, mail, policy)
     select history_number, given_name, second_name, family_name, sex, dob, mail, policy
     from json_populate_recordset(null::admissions.persons, $1)`,
    [JSON.stringify(rows)],
  )
}

/**
 * Makes one everyday change: mostly a visit (nothing that is sent), else a new policy, another e-mail address, an admission or a deletion.
 */
export async function liveChange(pool: Pool, random: () => number, next: () => number): Promise<void> {
  const someone = `(select history_number from admissions.persons offset floor(${random()} * (select count(*) from admissions.persons)) limit 1)`
  const dice = random()
  if (dice < 0.3) await pool.query(`update admissions.persons set last_seen = now() where history_number = ${someone}`)
  else if (dice < 0.6) {
    await pool.query(
      `update admissions.persons set policy = case policy when 'GOLD' then 'BASIC' when 'BASIC' then 'NONE' else 'GOLD' end where history_number = ${someone}`,
    )
  } else if (dice < 0.85) {
    await pool.query(`update admissions.persons set mail = $1 where history_number = ${someone}`, [
      `moved${Math.floor(random() * 1e6)}@example.org`,
    ])
  } else if (dice < 0.95) await admit(pool, next(), 1)
  else await pool.query(`delete from admissions.persons where history_number = ${someone}`)
}
