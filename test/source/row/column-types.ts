import fc from 'fast-check'

/** Type of a column, and texts that PostgreSQL converts to values of it. */
interface ColumnType {
  readonly type: string
  readonly value: fc.Arbitrary<string>
}

/** Types in addition to the built-in ones. `citext` is text if the server does not have it. */
export const typesSchema = `
  do $$ begin create extension citext; exception when others then create domain citext as text; end $$;
  create schema "My Types";
  create type "My Types"."My Mood" as enum ('fine', 'très "fine"', 'it''s, well', U&'\\FEFFodd');
  create domain "My Types".email as text check (length(value) < 100);
  create domain price as numeric(12, 3);
  create type "My Types".name as (first text, born date);`

const one = fc.constantFrom
const digits = (text: string) => text.slice(0, 15)
const pieces = one(
  ...[
    '',
    ' ',
    '\t\n',
    "O'Brien",
    '"quoted"',
    '\\',
    '\\\\x',
    'NULL',
    '{}',
    '{"a":1}',
    '(1,2)',
    't',
    'f',
    'e\u0301',
    '👩‍👩‍👧',
    '日本語',
  ],
  ...[
    '\ufeff',
    '\ufeffJane',
    'Jane\ufeff',
    '\ufeff\ufeff',
    '\u0001\u001f\u007f\u0085',
    '\u2028',
    '\uffff',
    '\u{10ffff}',
    '1980-02-01',
    '01.02.1980',
  ],
)
/** Every character except NUL, which PostgreSQL does not store. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', '')),
  pieces,
)
const firstOf = (count: number) => text.map((value) => Array.from(value).slice(0, count).join(''))
const json = fc.oneof(
  fc.json({ stringUnit: 'grapheme' }),
  one('{"a": 1.0e2, "a":2}', ' [1, "\\ufeffx"] ', '"\ufeffx"', '1e400', '{"b":{"aa":[],"":null}}', '"\\u00e9\\n"'),
)
const micros = fc.bigInt({ min: 0n, max: 86_399_999_999n })
const clock = micros.map((value) => {
  const second = value / 1_000_000n
  const part = (of: bigint) => String(of).padStart(2, '0')
  return `${part(second / 3600n)}:${part((second / 60n) % 60n)}:${part(second % 60n)}.${String(value % 1_000_000n).padStart(6, '0')}`
})
const year = (from: string, to: string) =>
  fc
    .date({ min: new Date(from), max: new Date(to), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10))
const date = fc.oneof(
  year('0001-01-01', '9999-12-31'),
  year('1900-01-01', '2030-01-01'),
  one('infinity', '-infinity', '0044-03-15 BC', '4713-01-01 BC', '10000-01-01', '294276-12-31', '1980-02-29'),
)
const finite = fc.oneof(year('0001-01-01', '9999-12-31'), one('10000-01-01', '2024-03-31'))
const moment = fc.oneof(
  fc.tuple(finite, clock).map(([day, at]) => `${day} ${at}`),
  one('infinity', '-infinity', '0044-03-15 12:00:00.5 BC', '1900-01-01 00:00:00', '2024-10-27 02:30:00'),
)
const zone = one('', '+00', '+02', '-03:30', '+14')
const array = (values: fc.Arbitrary<string>) =>
  fc
    .array(fc.option(values), { maxLength: 4 })
    .map(
      (all) => `{${all.map((value) => (value === null ? 'NULL' : `"${value.replace(/["\\]/g, '\\$&')}"`)).join(',')}}`,
    )
const int = (bits: number) =>
  fc.bigInt({ min: -(2n ** BigInt(bits - 1)), max: 2n ** BigInt(bits - 1) - 1n }).map(String)
const special = one('NaN', 'Infinity', '-Infinity', '-0', '0')

/** Types that a mapping may meet, by the name of their column. */
export const columnTypes: Readonly<Record<string, ColumnType>> = {
  text: { type: 'text', value: text },
  'text in ICU': { type: 'text collate "und-x-icu"', value: text },
  varchar: { type: 'varchar(7)', value: firstOf(7) },
  'Char n': { type: 'char(5)', value: firstOf(5) },
  char: { type: '"char"', value: one('', 'a', '\\377') },
  name: { type: 'name', value: firstOf(10) },
  citext: { type: 'public.citext', value: text },
  uuid: { type: 'uuid', value: fc.uuid() },
  smallint: { type: 'smallint', value: int(16) },
  integer: { type: 'integer', value: int(32) },
  bigint: { type: 'bigint', value: int(64) },
  oid: { type: 'oid', value: one('0', '4294967295') },
  numeric: {
    type: 'numeric',
    value: fc.oneof(
      special,
      fc.tuple(int(200), fc.nat({ max: 99 })).map(([whole, rest]) => `${whole}.${rest}0`),
      one('1e-300'),
    ),
  },
  price: { type: 'public.price', value: int(24).map((value) => `${value}.1235`) },
  real: { type: 'real', value: fc.oneof(special, fc.float({ noNaN: true }).map(String)) },
  double: { type: 'double precision', value: fc.oneof(special, fc.double({ noNaN: true }).map(String)) },
  money: { type: 'money', value: int(40) },
  boolean: { type: 'boolean', value: one('t', 'f', 'yes', '0') },
  date: { type: 'date', value: fc.oneof(date, one('5874897-12-31')) },
  timestamp: { type: 'timestamp', value: moment },
  'timestamp to the second': { type: 'timestamp(0)', value: moment },
  timestamptz: {
    type: 'timestamptz',
    value: fc.tuple(finite, clock, zone).map(([day, at, to]) => `${day} ${at}${to}`),
  },
  time: { type: 'time', value: fc.oneof(clock, one('24:00')) },
  timetz: { type: 'timetz', value: fc.tuple(clock, zone).map(([at, to]) => at + to) },
  interval: {
    type: 'interval',
    value: fc
      .tuple(fc.integer({ min: -5000, max: 5000 }), fc.integer({ min: -5000, max: 5000 }), clock)
      .map(([months, days, at]) => `${months} mons ${days} days ${digits(at)}`),
  },
  jsonb: { type: 'jsonb', value: json },
  json: { type: 'json', value: json },
  enum: { type: '"My Types"."My Mood"', value: one('fine', 'très "fine"', "it's, well", '\ufeffodd') },
  domain: { type: '"My Types".email', value: firstOf(20) },
  bytea: { type: 'bytea', value: fc.uint8Array().map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`) },
  'text[]': { type: 'text[]', value: array(text) },
  'date[]': { type: 'date[]', value: array(date) },
  'timestamptz[]': { type: 'timestamptz[]', value: array(moment) },
  'float8[][]': { type: 'float8[]', value: one('{{0.1,NaN},{-Infinity,1e-7}}', '[0:1]={1,2}', '{}') },
  'bytea[]': { type: 'bytea[]', value: one('{"\\\\xdeadbeef",NULL}') },
  inet: { type: 'inet', value: fc.oneof(fc.ipV4(), fc.ipV6(), one('10.0.0.0/8')) },
  cidr: { type: 'cidr', value: one('10.0.0.0/8', '::/0') },
  macaddr: { type: 'macaddr', value: one('08:00:2b:01:02:03') },
  bit: { type: 'bit(3)', value: one('000', '101') },
  varbit: { type: 'varbit', value: one('', '1', '0101') },
  point: { type: 'point', value: fc.tuple(fc.double(), fc.double()).map(([x, y]) => `(${x},${y})`) },
  daterange: { type: 'daterange', value: date.map((from) => `[${from},)`) },
  tstzmultirange: { type: 'tstzmultirange', value: one('{}', '{[2024-03-31 00:00+00,2024-04-01 00:00+02)}') },
  record: { type: '"My Types".name', value: date.map((born) => `("Jane ""J"" \\\\","${born}")`) },
  tsvector: { type: 'tsvector', value: one("'a':1 'b''c':2A") },
}
