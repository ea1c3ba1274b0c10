/** Table of patients whose columns need no mapping. A row needs only its code; `visits` is never sent. */
export const patientsTable = `
  create table patients (
    code text primary key, first_name text not null default 'Jane', last_name text, gender text not null default 'female',
    birth_date date not null default '1980-01-01', email text, plan text, meta jsonb, visits int not null default 0);`
