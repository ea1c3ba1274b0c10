import pThrottle from 'p-throttle'
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication'

/**
 * Connector as written in an afternoon from the library's README: automatic acknowledgement, a buffer, batches of a hundred, p-throttle at
 * the published limit, three attempts. It is only measured, never shipped.
 */
const { DATABASE_URL, SLOT = '', PUBLICATION = '', BASE_URL = '', API_KEY = '', SECRET_KEY = '' } = process.env
const attempts = 3

const throttle = pThrottle({ limit: 600, interval: 60_000 })
const put = throttle(async (body: string) => {
  return await fetch(`${BASE_URL}/patients`, {
    method: 'PUT',
    headers: { 'x-api-key': API_KEY, 'x-secret-key': SECRET_KEY, 'content-type': 'application/json' },
    body,
  })
})

let buffer: Record<string, unknown>[] = []

async function send(patients: readonly Record<string, unknown>[]): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const response = await put(JSON.stringify({ patients })).catch(() => null)
    if (response?.ok) return
  }
  console.error(`gave up on ${patients.length} patients`)
}

function flush(): void {
  while (buffer.length > 0) {
    const batch = buffer.slice(0, 100)
    buffer = buffer.slice(100)
    void send(batch)
  }
}

const service = new LogicalReplicationService(
  { connectionString: DATABASE_URL },
  { acknowledge: { auto: true, timeoutSeconds: 10 } },
)
service.on('data', (_lsn: string, message: Pgoutput.Message) => {
  if (message.tag !== 'insert' && message.tag !== 'update') return
  const { visits: _, birth_date, ...patient } = message.new
  buffer.push({
    ...patient,
    birth_date: birth_date instanceof Date ? birth_date.toISOString().slice(0, 10) : birth_date,
  })
  if (buffer.length >= 100) flush()
})
service.on('error', () => undefined)
setInterval(flush, 200)
process.once('SIGTERM', () => process.exit(0))

const plugin = new PgoutputPlugin({ protoVersion: 1, publicationNames: [PUBLICATION] })
const subscribe = () => {
  console.log('streaming')
  service
    .subscribe(plugin, SLOT)
    .catch(() => undefined)
    .then(() => setTimeout(subscribe, 100))
}
subscribe()
