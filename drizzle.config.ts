import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: './src/checkpoint/store/tables.ts',
  out: './src/checkpoint/store/migrations',
})
