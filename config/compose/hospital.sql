-- The table that config/demo.yaml maps, with invented persons.
create schema admissions;
create table admissions.persons (
  history_number text primary key, given_name text not null, second_name text, family_name text, sex char(1) not null,
  dob text not null, mail text, policy text not null default 'NONE');
insert into admissions.persons
select 'H-' || n, (array['Ana', 'Luis', 'Jordi', 'Uxía'])[1 + n % 4], null, (array['García', 'Müller', 'O''Brien'])[1 + n % 3],
  (array['M', 'F'])[1 + n % 2], to_char(date '1950-01-01' + n * 7, 'DD/MM/YYYY'), 'person' || n || '@example.org',
  (array['GOLD', 'BASIC', 'NONE'])[1 + n % 3]
from generate_series(1, 1000) n;
