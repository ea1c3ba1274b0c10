import { type Attribute, attributes } from '../model/patient/patient.ts'

/** Names of columns in the databases of hospitals and insurers, the most certain first. */
const names: Readonly<Record<Attribute, readonly string[]>> = {
  code: [
    ...[
      'code',
      'patient_code',
      'codigo',
      'codigo_paciente',
      'nhc',
      'numero_historia',
      'num_historia',
      'historia_clinica',
    ],
    ...[
      'mrn',
      'medical_record_number',
      'numero_poliza',
      'policy_number',
      'numero_afiliado',
      'member_id',
      'id_afiliado',
    ],
    ...[
      'external_id',
      'patient_number',
      'patientennummer',
      'versichertennummer',
      'patient_id',
      'id_paciente',
      'paciente_id',
    ],
  ],
  first_name: [
    'first_name',
    'given_name',
    'forename',
    'nombre',
    'nombre_pila',
    'vorname',
    'prenom',
    'nome',
    'nom',
    'name',
  ],
  last_name: [
    ...[
      'last_name',
      'surname',
      'family_name',
      'apellidos',
      'apellido',
      'nachname',
      'nom_famille',
      'cognome',
      'cognoms',
    ],
    ...['sobrenome', 'apelidos'],
  ],
  gender: ['gender', 'sex', 'sexo', 'genero', 'geschlecht', 'sexe', 'sesso', 'genere'],
  birth_date: [
    ...[
      'birth_date',
      'date_of_birth',
      'dob',
      'birthday',
      'fecha_nacimiento',
      'fec_nacimiento',
      'fec_nac',
      'f_nacimiento',
    ],
    ...[
      'fnac',
      'nacimiento',
      'geburtsdatum',
      'geburtstag',
      'date_naissance',
      'data_nascita',
      'data_nascimento',
      'data_naixement',
    ],
    ...['born', 'born_on'],
  ],
  email: ['email', 'e_mail', 'mail', 'email_address', 'correo', 'correo_electronico', 'correo_e'],
  plan: ['plan', 'tariff', 'tarifa', 'product', 'producto', 'tarif'],
  tax_id: ['tax_id', 'nif', 'dni', 'nie', 'documento', 'vat_number', 'cif'],
  phone: [
    'phone',
    'phone_number',
    'telephone',
    'mobile',
    'telefono',
    'movil',
    'telefono_movil',
    'telefon',
    'telefone',
    'tel',
  ],
  locale: ['locale', 'language', 'idioma', 'sprache', 'langue', 'lang'],
  meta: ['meta', 'metadata'],
}

/** Pairs of columns that form one attribute, in this order. */
const pairs: Readonly<Partial<Record<Attribute, readonly (readonly [string, string])[]>>> = {
  first_name: [
    ['first_name', 'middle_name'],
    ['first_name', 'second_name'],
    ['given_name', 'second_name'],
    ['nombre', 'segundo_nombre'],
    ['primer_nombre', 'segundo_nombre'],
  ],
  last_name: [
    ['apellido1', 'apellido2'],
    ['apellido_1', 'apellido_2'],
    ['primer_apellido', 'segundo_apellido'],
    ['apellido', 'segundo_apellido'],
    ['cognom1', 'cognom2'],
    ['surname1', 'surname2'],
    ['last_name', 'second_last_name'],
  ],
}

/** Normalizes a name: `fechaNacimiento`, `FECHA-NACIMIENTO` and `Fecha_Nacimiento` become the same. */
function oneSpelling(name: string): string {
  return name
    .normalize('NFD')
    .replaceAll(/\p{Diacritic}/gu, '')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
}

/** Returns the columns of which an attribute most likely consists, in their own spelling; none if no name fits. Pure. */
export function columnsNamedFor(attribute: Attribute, columns: readonly string[]): string[] {
  const spelt = new Map(columns.map((column) => [oneSpelling(column).replaceAll('_', ''), column]))
  const find = (name: string) => spelt.get(name.replaceAll('_', ''))
  for (const [first, second] of pairs[attribute] ?? []) {
    const found = [find(first), find(second)].filter((column) => column !== undefined)
    if (found.length === 2) return found
  }
  for (const name of names[attribute]) {
    const column = find(name)
    if (column !== undefined) return [column]
  }
  return []
}

/** Attributes whose columns tell nothing: tables of anything have a code, a language or further data. */
const commonplace: readonly Attribute[] = ['code', 'locale', 'meta']

/** Returns the likeness of a table of patients: the number of its columns with a known name. Pure. */
export function likeness(columns: readonly string[]): number {
  const found = (attribute: Attribute) => columnsNamedFor(attribute, columns).length > 0
  return attributes.filter((attribute) => !commonplace.includes(attribute) && found(attribute)).length
}
