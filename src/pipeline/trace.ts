import { ConnectorError } from '../model/failure/connector-error.ts'
import { type Patient, patientCode } from '../model/patient/patient.ts'
import type { Core } from './core/core.ts'
import type { CoreEvent } from './core/events.ts'
import type { CoreOptions } from './core/options.ts'

/**
 * A trace contains the events and the effects of a core, one JSON object per line: its options, then each event and each answer to
 * `effects`, in order. The same events give the same effects, so that a trace from production can be replayed (`replayTrace`).
 *
 * No line contains a row's values: a patient is its code and its fingerprint. A replayed core receives a stub instead.
 */

const version = 5

/** All options but the function of the policy, which a replay replaces. */
type RecordedOptions = Omit<CoreOptions, 'policy'> & {
  readonly policy: Omit<CoreOptions['policy'], 'fingerprint'>
}

type Line =
  | { readonly trace: number; readonly options: RecordedOptions }
  | { readonly ms: number; readonly event: CoreEvent }
  | { readonly ms: number; readonly effects: unknown }

/** Returns a core that also writes its events and effects. @param write receives one line, without its line feed. */
export function recordTrace(core: Core, options: CoreOptions, write: (line: string) => void): Core {
  const { fingerprint, ...policy } = options.policy
  const { told, wanted } = createEncoders(fingerprint)
  write(told({ trace: version, options: { ...options, policy } }))
  return {
    handle(event, nowMs) {
      // Write before the event is handled: an event on which the core throws is the last line.
      write(told({ ms: nowMs, event }))
      core.handle(event, nowMs)
    },
    effects(nowMs) {
      const effects = core.effects(nowMs)
      write(wanted({ ms: nowMs, effects }))
      return effects
    },
    view: (nowMs) => core.view(nowMs),
    assert: () => core.assert(),
  }
}

/** Number of lines that were replayed, and the first line at which the effects differ. */
export interface Replay {
  readonly lines: number
  readonly difference: { readonly line: number; readonly recorded: string; readonly replayed: string } | null
}

/**
 * Passes a trace's events to a new core, one for each line of options, and compares its effects. The last line of a process that
 * was killed may be incomplete. @throws {ConnectorError} if the text is not a trace.
 */
export function replayTrace(lines: Iterable<string>, createCore: (options: CoreOptions) => Core): Replay {
  let core: Core | null = null
  let number = 0
  let cut: ConnectorError | null = null
  const { wanted } = createEncoders(stubFingerprint)
  for (const text of lines) {
    number++
    const line = decode(text, number)
    const isTrace = !(line instanceof ConnectorError)
    if (cut && !(isTrace && 'options' in line)) throw cut
    cut = isTrace ? null : line
    if (!isTrace) {
      if (!core) throw line
      continue
    }
    if ('options' in line) {
      if (line.trace !== version)
        throw new ConnectorError('trace invalid', `line ${number}: version ${line.trace} of the format`)
      const policy = { ...line.options.policy, fingerprint: stubFingerprint }
      core = createCore({ ...line.options, policy })
      continue
    }
    if (!core) throw new ConnectorError('trace invalid', 'the first line does not hold the options')
    if ('event' in line) {
      core.handle(line.event, line.ms)
      continue
    }
    const replayed = wanted({ ms: line.ms, effects: core.effects(line.ms) })
    if (replayed !== text) return { lines: number, difference: { line: number, recorded: text, replayed } }
  }
  return { lines: number, difference: null }
}

/** Fingerprint of a stub patient: the stub carries it in place of the name. */
const stubFingerprint = ({ first_name }: Patient): string => first_name

type Encode = (line: object) => string

/**
 * Returns the encoders of events and of effects. In effects a patient without a plan is its code alone: the core has removed the
 * plan to unsubscribe it, and no longer knows the fingerprint of the event.
 */
function createEncoders(fingerprint: (patient: Patient) => string): { readonly told: Encode; readonly wanted: Encode } {
  const hasPlan = ({ plan }: Patient) => plan !== undefined
  const whole = (patient: Patient) => {
    const { code } = patient
    return { $patient: { code, fingerprint: fingerprint(patient), hasPlan: hasPlan(patient) } }
  }
  const told = (line: object) => JSON.stringify(plain(line, whole))
  const wanted = (line: object) =>
    JSON.stringify(plain(line, (patient) => (hasPlan(patient) ? whole(patient) : { $patient: { code: patient.code } })))
  return { told, wanted }
}

/** Encodes values that JSON does not have as an object with one property that begins with `$`. */
function plain(value: unknown, patient: (of: Patient) => object): unknown {
  const inside = (item: unknown): unknown => plain(item, patient)
  if (typeof value === 'bigint') return { $int: String(value) }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(inside)
  if (value instanceof Map) return { $map: [...value].map(inside) }
  if (value instanceof Set) return { $set: [...value].map(inside) }
  if (value instanceof Date) return { $date: value.getTime() }
  if (isPatient(value)) return patient(value)
  if (isDelivery(value)) return inside(reduced(value))
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, inside(item)]))
}

function isPatient(value: object): value is Patient {
  return 'code' in value && 'first_name' in value
}

/** One patient of a request, without the core's own version. */
interface SentPatient {
  readonly key: string
  readonly code: string
  readonly purpose: string
  readonly patient: Patient
}

function isDelivery(value: object): value is SentPatient {
  return 'purpose' in value && 'version' in value && 'key' in value && 'code' in value && 'patient' in value
}

const reduced = ({ key, code, purpose, patient }: SentPatient): object => ({ key, code, purpose, patient })

function decode(text: string, number: number): Line | ConnectorError {
  try {
    return adopt(JSON.parse(text, revive))
  } catch (error) {
    return new ConnectorError('trace invalid', `line ${number} is not of a trace`, { cause: error })
  }
}

/** The only place where a line is assumed to be written by this version. @throws {TypeError} if it is not an object. */
function adopt(value: unknown): Line {
  if (typeof value !== 'object' || value === null) throw new TypeError('not an object')
  return value as Line
}

const revivers: Readonly<Record<string, (content: unknown) => unknown>> = {
  $int: (content) => BigInt(String(content)),
  $map: (content) => new Map(pairs(content)),
  $set: (content) => new Set(Array.isArray(content) ? content : []),
  $date: (content) => new Date(Number(content)),
  $patient: (content) => stubPatient(content),
}

function revive(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const [only, ...others] = Object.entries(value)
  if (!only || others.length > 0) return value
  const [name, content] = only
  const reviver = Object.hasOwn(revivers, name) ? revivers[name] : undefined
  return reviver ? reviver(content) : value
}

function pairs(content: unknown): [unknown, unknown][] {
  if (!Array.isArray(content)) return []
  return content.flatMap((pair: unknown) => (Array.isArray(pair) ? [[pair[0], pair[1]]] : []))
}

/** Returns a stub for a patient. Lines of effects may contain the code alone: they are compared as text. */
function stubPatient(content: unknown): Patient {
  if (typeof content !== 'object' || content === null || !('code' in content)) throw new TypeError('not a patient')
  const first_name = 'fingerprint' in content ? String(content.fingerprint) : ''
  const stub = { code: patientCode(String(content.code)), first_name }
  return 'hasPlan' in content && content.hasPlan === true ? { ...stub, plan: '' } : stub
}
