import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: './src/checkpoint/tables.ts',
  out: './src/checkpoint/migrations',
})
