import { loadSettings } from '../../config/load.ts'
import type { CompiledMapping } from '../../mapping/compile.ts'
import { ProblemsError } from '../../model/failure/connector-error.ts'
import { failures } from '../../model/failure/failure.ts'
import { kindOf } from '../../model/failure/kind-of.ts'
import { describeConnectionFailure } from '../../source/connection/connection-failure.ts'
import type { Finding } from '../../source/requirements/finding.ts'
import { judgeSource } from '../../source/requirements/requirements.ts'
import { gatherSourceFacts, type SourceFacts } from '../../source/source-facts.ts'
import type { Wanted } from '../../source/wanted.ts'
import { fitMapping, wantedOf } from '../../startup/prepare.ts'
import { openResources, type Resources } from '../../startup/resources.ts'
import { createLogger } from '../../telemetry/logger.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import type { CliContext } from '../context.ts'

/** Source as `check` and `setup` see it. `facts` is null if the database does not answer. */
export interface Inspection {
  readonly resources: Resources
  readonly facts: SourceFacts | null
  readonly wanted: Wanted
  /** Null if there is no table, or if the mapping does not fit. */
  readonly mapping: CompiledMapping | null
  readonly findings: readonly Finding[]
}

/** Opens the configured resources, inspects the source, passes it on, and closes everything. @throws {ProblemsError} */
export async function inspectSource<T>(
  { env, cwd, version, runtime: { intervals = {} } }: CliContext,
  options: { readonly config?: string | undefined },
  needs: readonly ('database' | 'api')[],
  use: (inspection: Inspection) => Promise<T>,
): Promise<T> {
  const settings = loadSettings({ configPath: options.config, env, cwd, needs })
  const resources = openResources({
    settings,
    telemetry: { logger: createLogger('silent'), metrics: createMetrics(version) },
    sessions: { environmentOptions: env.PGOPTIONS ?? '' },
    onConnectionError: () => undefined,
    timing: { intervals },
  })
  try {
    return await use(await look(resources))
  } finally {
    await resources.close()
  }
}

async function look(resources: Resources): Promise<Inspection> {
  const { table, publication, slot, where } = resources.settings.source
  try {
    const facts = await gatherSourceFacts(resources.source.pool, { ...table, publication, slot, where })
    const { mapping, problems } = await mappingOf(resources, facts)
    const wanted = wantedOf(resources, mapping?.columns ?? [])
    return { resources, facts, wanted, mapping, findings: [...judgeSource(facts, wanted), ...problems] }
  } catch (error) {
    // The configuration is wrong, not the source.
    if (failures[kindOf(error)].exitStatus === 2) throw error
    const sentence = describeConnectionFailure(error, 'the source')
    const finding = { requirement: 'the source answers', met: false, detail: sentence, fix: null }
    return { resources, facts: null, wanted: wantedOf(resources, []), mapping: null, findings: [finding] }
  }
}

/** Returns the mapping, or the finding why it does not fit, as one finding among others. */
async function mappingOf(resources: Resources, facts: SourceFacts) {
  try {
    return { mapping: await fitMapping(resources, facts), problems: [] }
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error
    const problems = error.problems.map((detail) => ({
      requirement: 'the mapping fits the table',
      met: false,
      detail,
      fix: 'correct mapping in the configuration',
    }))
    return { mapping: null, problems }
  }
}
