/** Table of patients whose columns need no mapping. A row needs only its code; `visits` is never sent. */
export const patientsTable = `
  create table patients (
    code text primary key, first_name text not null default 'Jane', last_name text, gender text not null default 'female',
    birth_date date not null default '1980-01-01', email text, plan text, meta jsonb, visits int not null default 0);`

/** Mapping of the columns of a table without a plan: it says that nobody has one. */
export const mappingWithoutPlan = {
  code: 'code',
  first_name: 'first_name',
  gender: 'gender',
  birth_date: 'birth_date',
  plan: { constant: null },
} as const
