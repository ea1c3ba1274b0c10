import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { z } from 'zod'
import type { SandboxState } from '../sandbox-state.ts'
import { faultSchema } from './faults.ts'
import { rejectionRuleSchema } from './patient/rejection-rules.ts'
import { keysSchema, type settingsSchema } from './settings.ts'

/** Path of the sandbox's own endpoints, which show its state and add faults. It is reserved: no API path can be below it. */
export const adminPath = '/__sandbox'

type Bindings = { Bindings: HttpBindings }

/** Creates the sandbox's own endpoints. They answer an invalid request with 400 and zod's message. */
export function adminEndpoints(state: SandboxState): Hono<Bindings> {
  const app = new Hono<Bindings>()
  app.get('/state', (context) => context.json(summary(state)))
  app.get('/patients', (context) => context.json([...state.store.patients.values()]))
  app.get('/history', (context) => context.json(state.store.history))
  app.get('/requests', (context) => {
    const after = Number(context.req.query('after') ?? 0)
    return context.json(state.log.entries.filter((request) => request.id > after))
  })

  app.post('/faults', async (context) => {
    const faults = await read(context, oneOrMore(faultSchema))
    return context.json({ ids: faults.map((fault) => state.faults.add(fault)) }, 201)
  })
  app.delete('/faults', (context) => {
    state.clearFaults()
    return context.json(summary(state))
  })
  app.delete('/faults/:id', (context) => {
    state.faults.clear(Number(context.req.param('id')))
    return context.json(summary(state))
  })
  app.post('/holds/:id/release', (context) => context.json({ released: state.held.release(context.req.param('id')) }))

  app.post('/rejections', async (context) => {
    for (const rule of await read(context, oneOrMore(rejectionRuleSchema))) state.rules.add(rule)
    return context.json(summary(state), 201)
  })
  app.delete('/rejections', (context) => {
    state.rules.clear()
    return context.json(summary(state))
  })
  app.patch('/settings', async (context) => {
    state.configure(await read(context, settingsChange))
    return context.json(summary(state))
  })
  app.put('/keys', async (context) => {
    state.setKeys(await read(context, keysSchema))
    return context.json(summary(state))
  })
  app.post('/reset', (context) => {
    state.reset()
    return context.json(summary(state))
  })

  app.onError((error, context) => {
    if (error instanceof z.ZodError) return context.json({ message: z.prettifyError(error) }, 400)
    if (error instanceof SyntaxError) return context.json({ message: error.message }, 400)
    throw error
  })
  return app
}

/** Change of the settings. The merged settings are checked as a whole. */
const settingsChange = z.custom<z.input<typeof settingsSchema>>((value) => typeof value === 'object' && value !== null)

function oneOrMore<Schema extends z.ZodType>(schema: Schema) {
  return z.union([z.array(schema), schema.transform((one) => [one])])
}

async function read<Output>(context: Context<Bindings>, schema: z.ZodType<Output>): Promise<Output> {
  return schema.parse(await context.req.json())
}

function summary(state: SandboxState) {
  return {
    settings: state.settings,
    patients: state.store.patients.size,
    requests: state.log.total,
    byStatus: state.log.byStatus,
    queuedRequests: state.store.queuedRequests,
    faults: state.faults.list,
    held: state.held.waiting,
    rejections: state.rules.list,
  }
}
